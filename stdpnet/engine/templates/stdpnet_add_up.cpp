{# Each step adds the spikes so far, so that a spike counts all steps from its own on. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    int32_t* __restrict _counts = {{get_array_name(variables['count'])}};
    const int32_t* __restrict _so_far = {{get_array_name(variables['so_far'])}};
    for (int32_t _i = 0; _i < {{n_counts}}; _i++) _counts[_i] += _so_far[_i];
{% endblock %}
