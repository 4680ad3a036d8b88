{# Statements for every weight. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    if (!{{learning_array}}[0]) return;
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const int32_t _n = {{n_weights}};
    {% with n_calls = '_n' %}{% include 'stdpnet_calls.cpp' %}{% endwith %}
    for (int32_t _idx = 0; _idx < _n; _idx++) {
        const stdpnet::Fixed {{get_array_name(variables['_kernel'])}} = { _idx };
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
{% endblock %}
