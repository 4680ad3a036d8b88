{# Which neurons spike: a first pass over the maps of a position that only asks
   whether any crosses its threshold (it vectorizes and reads little), a second
   one with all conditions where the answer is yes. Where the condition draws random
   numbers, the first pass keeps the answers. #}
{# USES_VARIABLES { _spikespace, N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    int32_t _count = 0;
    {% if ties != 'all' %}
    static std::vector<double> _strengths(N);
    {% endif %}
    {% if random %}
    static bool _fires[{{n_maps}}];
    {% if ties != 'all' %}
    static double _all_strengths[{{n_maps}}];
    {% endif %}
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
        {% if random %}
        {
            {% with n_calls = n_maps %}{% include 'stdpnet_calls.cpp' %}{% endwith %}
            for (int32_t _m = 0; _m < {{n_maps}}; _m++) {
                const int32_t _idx = _s * {{n_maps}} + _m;
                const size_t _vectorisation_idx = _idx;
                {{vector_code|autoindent}}
                _fires[_m] = _cond;
                {% if ties != 'all' %}
                _all_strengths[_m] = _strength;
                {% endif %}
            }
        }
        for (int32_t _m = 0; _m < {{n_maps}}; _m++) {
            if (!_fires[_m]) continue;
            {% if ties != 'all' %}
            _strengths[_count] = _all_strengths[_m];
            {% endif %}
            {{_spikespace}}[_count++] = _s * {{n_maps}} + _m;
        }
        {% else %}
        int32_t _any = 0;
        for (int32_t _idx = _s * {{n_maps}}; _idx < (_s + 1) * {{n_maps}}; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _any |= _crosses;
        }
        if (!_any) continue;
        for (int32_t _idx = _s * {{n_maps}}; _idx < (_s + 1) * {{n_maps}}; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            if (!_cond) continue;
            {% if ties != 'all' %}
            _strengths[_count] = _strength;
            {% endif %}
            {{_spikespace}}[_count++] = _idx;
        }
        {% endif %}
    }
    {% if ties == 'ranked' %}
    _count = stdpnet::keep_ranked({{_spikespace}}, _count, _strengths.data(), {{n_maps}}, winners,
                                  {{get_array_name(variables['site_wins'])}});
    {% elif ties != 'all' %}
    _count = stdpnet::keep_best({{_spikespace}}, _count, _strengths.data(),
                                {{height}}, {{width}}, {{n_maps}}, {{radius}}, {{within_map}});
    {% endif %}
    {{_spikespace}}[N] = _count;
    {% if 'not_refractory' in variables %}
    for (int32_t _k = 0; _k < _count; _k++)
        {{get_array_name(variables['not_refractory'])}}[{{_spikespace}}[_k]] = false;
    {% endif %}
{% endblock %}
