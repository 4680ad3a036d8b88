{# For each target spike: the window of the source that its kernel covers, a row
   of the kernel at a time. Sources are contiguous over columns and channels. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    if (!{{learning_array}}[0]) return;
    const int32_t* _events = {{get_array_name(variables['_target_spikes'])}};
    const int32_t _n_events = _events[{{n_target}}];
    if (_n_events == 0) return;
    static int64_t& _tally = stdpnet::tally("{{tally}}");
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _k = 0; _k < _n_events; _k++) {
        const int32_t _spike = _events[_k];
        const int32_t _m = _spike % {{n_maps}};
        const int32_t _left = _spike / {{n_maps}} % {{target_width}} * {{stride}} - {{padding}};
        const int32_t _top = _spike / {{n_maps * target_width}} * {{stride}} - {{padding}};
        const int32_t _x0 = std::max(0, -_left);
        const int32_t _x1 = std::min({{kernel_width}}, {{source_width}} - _left);
        for (int32_t _ky = std::max(0, -_top); _ky < std::min({{kernel_height}}, {{source_height}} - _top); _ky++) {
            {% if '_pre' in variables %}
            const stdpnet::Shift {{get_array_name(variables['_pre'])}} = { ((_top + _ky) * {{source_width}} + _left + _x0) * {{channels}} };
            {% endif %}
            {% if '_post' in variables %}
            const stdpnet::Fixed {{get_array_name(variables['_post'])}} = { _spike };
            {% endif %}
            {% if '_kernel' in variables %}
            const stdpnet::Shift {{get_array_name(variables['_kernel'])}} = { (_ky * {{kernel_width}} + _x0) * {{channels * n_maps}} + _m, {{n_maps}} };
            {% endif %}
            _tally += (_x1 - _x0) * {{channels}};
            #pragma GCC ivdep
            for (int32_t _idx = 0; _idx < (_x1 - _x0) * {{channels}}; _idx++) {
                const size_t _vectorisation_idx = _idx;
                {{vector_code|autoindent}}
            }
        }
    }
{% endblock %}
