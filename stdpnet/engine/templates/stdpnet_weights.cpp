{# Statements for every weight. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    if (!{{learning_array}}[0]) return;
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _idx = 0; _idx < {{n_weights}}; _idx++) {
        const stdpnet::Fixed {{get_array_name(variables['_kernel'])}} = { _idx };
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
{% endblock %}
