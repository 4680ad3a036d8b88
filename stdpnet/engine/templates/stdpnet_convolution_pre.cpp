{# For each source spike: all target positions whose kernel covers it, and there
   all maps, or only those that are listed as having spiked. Targets and weights
   are contiguous over maps. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% if learning_array %}
    if (!{{learning_array}}[0]) return;
    {% endif %}
    const int32_t* _events = {{get_array_name(variables['_source_spikes'])}};
    const int32_t _n_events = _events[{{n_source}}];
    if (_n_events == 0) return;
    static int64_t& _tally = stdpnet::tally("{{tally}}");
    {% if competes %}
    static const bool _seen = stdpnet::records("{{competes.recorded}}");
    {% endif %}
    {% if listed_name %}
    stdpnet::Spiked& _spiked = stdpnet::spiked("{{listed_name}}", {{target_height * target_width}}, {{n_maps}});
    _spiked.begin();
    {% endif %}
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
        _tally += static_cast<int64_t>(std::max(0, _y1 - _y0 + 1)) * std::max(0, _x1 - _x0 + 1) * {{n_maps}};
        for (int32_t _y = _y0; _y <= _y1; _y++)
        for (int32_t _x = _x0; _x <= _x1; _x++) {
            {% if competes %}
            // Nobody sees the potentials of a silent position before they are reset.
            if (!_seen && {{competes.site_wins}}[_y * {{target_width}} + _x] >= {{competes.winners}}[0]) continue;
            {% endif %}
            {% if listed_name %}
            const int32_t _n_maps = _spiked.count(_y * {{target_width}} + _x);
            if (_n_maps == 0) continue;
            const int32_t* _maps = _spiked.maps(_y * {{target_width}} + _x);
            {% endif %}
            const int32_t _tap = ((_sy - _y * {{stride}}) * {{kernel_width}} + _sx - _x * {{stride}}) * {{channels}} + _c;
            {% if '_pre' in variables %}
            const stdpnet::Fixed {{get_array_name(variables['_pre'])}} = { _spike };
            {% endif %}
            {% for index, base in (('_post', '(_y * ' ~ target_width ~ ' + _x)'), ('_kernel', '_tap')) if index in variables %}
            {% if listed_name %}
            const stdpnet::Listed {{get_array_name(variables[index])}} = { {{base}} * {{n_maps}}, _maps };
            {% else %}
            const stdpnet::Shift {{get_array_name(variables[index])}} = { {{base}} * {{n_maps}} };
            {% endif %}
            {% endfor %}
            #pragma GCC ivdep
            for (int32_t _idx = 0; _idx < {{'_n_maps' if listed_name else n_maps}}; _idx++) {
                const size_t _vectorisation_idx = _idx;
                {{vector_code|autoindent}}
            }
        }
    }
{% endblock %}
