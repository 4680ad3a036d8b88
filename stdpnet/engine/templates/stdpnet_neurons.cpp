{# Statements for every neuron, positions outside, maps inside: variables of a
   map or a position are then contiguous or constant in the inner loop. #}
{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _s = 0; _s < {{n_sites}}; _s++) {
        {% if '_map' in variables %}
        const stdpnet::Shift {{get_array_name(variables['_map'])}} = { -_s * {{n_maps}} };
        {% endif %}
        {% if '_site' in variables %}
        const stdpnet::Fixed {{get_array_name(variables['_site'])}} = { _s };
        {% endif %}
        #pragma GCC ivdep
        for (int32_t _idx = _s * {{n_maps}}; _idx < (_s + 1) * {{n_maps}}; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
        }
    }
{% endblock %}
