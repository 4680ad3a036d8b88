{# For each spike: the statements at every window that contains it. Serves pooling
   (windows of the same map), counters, and the silence around a winner. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const int32_t* _events = {{get_array_name(variables['_source_spikes'])}};
    const int32_t _n_events = _events[{{n_source}}];
    if (_n_events == 0) return;
    {% if tally %}
    static int64_t& _tally = stdpnet::tally("{{tally}}");
    {% endif %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _k = 0; _k < _n_events; _k++) {
        const int32_t _spike = _events[_k];
        const int32_t _sx = _spike / {{n_maps}} % {{source_width}} + {{padding}};
        const int32_t _sy = _spike / {{n_maps * source_width}} + {{padding}};
        const int32_t _y1 = std::min({{target_height - 1}}, _sy / {{stride}});
        const int32_t _x1 = std::min({{target_width - 1}}, _sx / {{stride}});
        for (int32_t _y = stdpnet::ceil_div(_sy - {{size - 1}}, {{stride}}); _y <= _y1; _y++)
        for (int32_t _x = stdpnet::ceil_div(_sx - {{size - 1}}, {{stride}}); _x <= _x1; _x++) {
            const stdpnet::Fixed {{get_array_name(variables['_post'])}} = {
                {% if per_map %}(_y * {{target_width}} + _x) * {{n_maps}} + _spike % {{n_maps}}{% else %}_y * {{target_width}} + _x{% endif %} };
            {% if tally %}
            const stdpnet::Fixed {{get_array_name(variables['_kernel'])}} = { 0 };
            _tally++;
            {% endif %}
            const int32_t _idx = 0;
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
        }
    }
{% endblock %}
