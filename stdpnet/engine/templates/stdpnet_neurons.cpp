{# Statements for every neuron, positions outside, maps inside: variables of a
   map or a position are then contiguous or constant in the inner loop. #}
{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {% if precise %}
    {# Brian2 gives what it computes on the way the network's precision. #}
    {% set scalar_code = scalar_code|map('replace', 'float ', 'double ')|list %}
    {% set vector_code = vector_code|map('replace', 'float ', 'double ')|list %}
    {% endif %}
    {{scalar_code|autoindent}}
    {% if '_map' in variables or '_site' in variables %}
    {% set sites, maps = n_sites, n_maps %}
    {% else %}
    {% set sites, maps = 1, n_sites * n_maps %}
    {% endif %}
    {# Brian2's dt is double, and so would be what is computed with it. #}
    {% set narrow = not precise and 'dt' in variables and 'timestep' not in vector_code|string %}
    {% if narrow %}
    const {{real}} _dt_here = {{get_array_name(variables['dt'])}}[0];
    {% endif %}
    for (int32_t _s = 0; _s < {{sites}}; _s++) {
        {% if '_map' in variables %}
        const stdpnet::Shift {{get_array_name(variables['_map'])}} = { -_s * {{n_maps}} };
        {% endif %}
        {% if '_site' in variables %}
        const stdpnet::Fixed {{get_array_name(variables['_site'])}} = { _s };
        {% endif %}
        {% if narrow %}
        const {{real}} dt = _dt_here;
        {% endif %}
        {% with n_calls = maps %}{% include 'stdpnet_calls.cpp' %}{% endwith %}
        #pragma GCC ivdep
        for (int32_t _idx = _s * {{maps}}; _idx < (_s + 1) * {{maps}}; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
        }
    }
{% endblock %}
