{# Statements for every neuron that spiked in this step. #}
{# USES_VARIABLES { _spikespace, N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const int32_t* _events = {{_spikespace}};
    const int32_t _n_events = {{_spikespace}}[N];
    if (_n_events == 0) return;
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _k = 0; _k < _n_events; _k++) {
        const int32_t _idx = _events[_k];
        const size_t _vectorisation_idx = _idx;
        {% if '_map' in variables %}
        const stdpnet::Shift {{get_array_name(variables['_map'])}} = { -(_idx / {{n_maps}}) * {{n_maps}} };
        {% endif %}
        {% if '_site' in variables %}
        const stdpnet::Fixed {{get_array_name(variables['_site'])}} = { _idx / {{n_maps}} };
        {% endif %}
        {{vector_code|autoindent}}
    }
{% endblock %}
