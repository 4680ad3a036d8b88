{# For each target spike: the window of the source that its kernel covers, a row
   of the kernel at a time. Sources are contiguous over columns and channels. Statements
   that take long are carried out on a copy of the whole window. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    if (!{{learning_array}}[0]) return;
    const int32_t* _events = {{get_array_name(variables['_target_spikes'])}};
    const int32_t _n_events = _events[{{n_target}}];
    if (_n_events == 0) return;
    static int64_t& _tally = stdpnet::tally("{{tally}}");
    {% if collected %}
    {% include 'stdpnet_collected.cpp' %}
    {% endif %}
    {% if masked %}
    static int64_t& _passed_over = stdpnet::tally("{{tally}}_passed_over");
    static const stdpnet::Left _left({{masked}}, {{kernel_height * kernel_width * channels}}, {{n_maps}});
    static int32_t _list_pre[{{n_most}}], _list_kernel[{{n_most}}];
    {% endif %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _k = 0; _k < _n_events; _k++) {
        const int32_t _spike = _events[_k];
        const int32_t _m = _spike % {{n_maps}};
        const int32_t _left_column = _spike / {{n_maps}} % {{target_width}} * {{stride}} - {{padding}};
        const int32_t _top = _spike / {{n_maps * target_width}} * {{stride}} - {{padding}};
        const int32_t _x0 = std::max(0, -_left_column);
        const int32_t _x1 = std::min({{kernel_width}}, {{source_width}} - _left_column);
        const int32_t _y0 = std::max(0, -_top), _y1 = std::min({{kernel_height}}, {{source_height}} - _top);
        const int32_t _columns = (_x1 - _x0) * {{channels}};
        {% if not collected %}
        {% include 'stdpnet_act.cpp' %}
        {% endif %}
        {% if masked %}
        int32_t _n = 0;
        for (int32_t _i = 0; _i < _left.n_taps(_m); _i++) {
            const int32_t _tap = _left.taps(_m)[_i], _c = _tap % {{channels}};
            const int32_t _kx = _tap / {{channels}} % {{kernel_width}}, _ky = _tap / {{channels * kernel_width}};
            if (_kx < _x0 || _kx >= _x1 || _ky < _y0 || _ky >= _y1) continue;
            _list_pre[_n] = ((_top + _ky) * {{source_width}} + _left_column + _kx) * {{channels}} + _c;
            _list_kernel[_n++] = _tap * {{n_maps}} + _m;
        }
        _tally += _n;
        _passed_over += (_y1 - _y0) * _columns - _n;
        {% if collected %}
        {% include 'stdpnet_on_copy.cpp' %}
        {% else %}
        _act(stdpnet::Listed{ 0, _list_pre }, stdpnet::Listed{ 0, _list_kernel }, _n);
        {% endif %}
        {% elif collected %}
        const auto _rows = [&](const auto& _copy) {
            int32_t _n = 0;
            for (int32_t _ky = _y0; _ky < _y1; _ky++, _n += _columns)
                _copy(_n, ((_top + _ky) * {{source_width}} + _left_column + _x0) * {{channels}},
                      (_ky * {{kernel_width}} + _x0) * {{channels * n_maps}} + _m);
            return _n;
        };
        const int32_t _n = _rows([&](int32_t _at, int32_t _pre, int32_t _kernel) {
            {% for one in collected if one.name in variables %}
            for (int32_t _i = 0; _i < _columns; _i++) _near_{{one.name}}[_at + _i] = _far_{{one.name}}[{{one.index}} + _i{{' * %d' % n_maps if one.index == '_kernel'}}];
            {% endfor %}
        });
        {% include 'stdpnet_update.cpp' %}
        _rows([&](int32_t _at, int32_t _pre, int32_t _kernel) {
            {% for one in collected if one.name in variables and one.written %}
            for (int32_t _i = 0; _i < _columns; _i++) _far_{{one.name}}[{{one.index}} + _i{{' * %d' % n_maps if one.index == '_kernel'}}] = _near_{{one.name}}[_at + _i];
            {% endfor %}
        });
        _tally += _n;
        {% else %}
        for (int32_t _ky = _y0; _ky < _y1; _ky++) {
            _tally += _columns;
            _act(stdpnet::Shift{ ((_top + _ky) * {{source_width}} + _left_column + _x0) * {{channels}} },
                 stdpnet::Shift{ (_ky * {{kernel_width}} + _x0) * {{channels * n_maps}} + _m, {{n_maps}} }, _columns);
        }
        {% endif %}
    }
{% endblock %}
