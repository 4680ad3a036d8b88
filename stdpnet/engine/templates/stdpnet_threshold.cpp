{# Which neurons spike: a first pass over the maps of a position that only asks
   whether any crosses its threshold (it vectorizes and reads little), a second
   one with all conditions where the answer is yes. One pass only where the
   condition draws random numbers. #}
{# USES_VARIABLES { _spikespace, N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    int32_t _count = 0;
    {% if ties != 'all' %}
    static std::vector<double> _strengths(N);
    {% endif %}
    for (int32_t _s = 0; _s < {{n_sites}}; _s++) {
        {% if '_map' in variables %}
        const stdpnet::Shift {{get_array_name(variables['_map'])}} = { -_s * {{n_maps}} };
        {% endif %}
        {% if '_site' in variables %}
        const stdpnet::Fixed {{get_array_name(variables['_site'])}} = { _s };
        {% endif %}
        {% if 'site_wins' in variables %}
        if ({{get_array_name(variables['site_wins'])}}[_s] >= winners) continue;
        {% endif %}
        {% if not random %}
        int32_t _any = 0;
        for (int32_t _idx = _s * {{n_maps}}; _idx < (_s + 1) * {{n_maps}}; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _any |= _crosses;
        }
        if (!_any) continue;
        {% endif %}
        for (int32_t _idx = _s * {{n_maps}}; _idx < (_s + 1) * {{n_maps}}; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            if (!_cond) continue;
            {% if ties != 'all' %}
            _strengths[_count] = _strength;
            {% endif %}
            {{_spikespace}}[_count++] = _idx;
        }
    }
    {% if ties != 'all' %}
    _count = stdpnet::keep_best({{_spikespace}}, _count, _strengths.data(),
                                {{height}}, {{width}}, {{n_maps}}, {{radius}}, {{within_map}});
    {% endif %}
    {{_spikespace}}[N] = _count;
    {% if 'not_refractory' in variables %}
    for (int32_t _k = 0; _k < _count; _k++)
        {{get_array_name(variables['not_refractory'])}}[{{_spikespace}}[_k]] = false;
    {% endif %}
{% endblock %}
