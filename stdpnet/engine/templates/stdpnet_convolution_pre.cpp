{# For each source spike: all target positions whose kernel covers it, and there
   all maps. Targets and weights are contiguous over maps. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% if learning_array %}
    if (!{{learning_array}}[0]) return;
    {% endif %}
    const int32_t* _events = {{get_array_name(variables['_source_spikes'])}};
    const int32_t _n_events = _events[{{n_source}}];
    if (_n_events == 0) return;
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _k = 0; _k < _n_events; _k++) {
        const int32_t _spike = _events[_k];
        const int32_t _c = _spike % {{channels}};
        const int32_t _sx = _spike / {{channels}} % {{source_width}} + {{padding}};
        const int32_t _sy = _spike / {{channels * source_width}} + {{padding}};
        const int32_t _y0 = stdpnet::ceil_div(_sy - {{kernel_height - 1}}, {{stride}});
        const int32_t _y1 = std::min({{target_height - 1}}, _sy / {{stride}});
        const int32_t _x0 = stdpnet::ceil_div(_sx - {{kernel_width - 1}}, {{stride}});
        const int32_t _x1 = std::min({{target_width - 1}}, _sx / {{stride}});
        for (int32_t _y = _y0; _y <= _y1; _y++)
        for (int32_t _x = _x0; _x <= _x1; _x++) {
            {% if competes %}
            // Nobody sees the potentials of a silent position before they are reset.
            if ({{competes.site_wins}}[_y * {{target_width}} + _x] >= {{competes.winners}}[0]) continue;
            {% endif %}
            const int32_t _tap = ((_sy - _y * {{stride}}) * {{kernel_width}} + _sx - _x * {{stride}}) * {{channels}} + _c;
            {% if '_pre' in variables %}
            const stdpnet::Fixed {{get_array_name(variables['_pre'])}} = { _spike };
            {% endif %}
            {% if '_post' in variables %}
            const stdpnet::Shift {{get_array_name(variables['_post'])}} = { (_y * {{target_width}} + _x) * {{n_maps}} };
            {% endif %}
            {% if '_kernel' in variables %}
            const stdpnet::Shift {{get_array_name(variables['_kernel'])}} = { _tap * {{n_maps}} };
            {% endif %}
            #pragma GCC ivdep
            for (int32_t _idx = 0; _idx < {{n_maps}}; _idx++) {
                const size_t _vectorisation_idx = _idx;
                {{vector_code|autoindent}}
            }
        }
    }
{% endblock %}
