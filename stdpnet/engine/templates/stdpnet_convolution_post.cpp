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
        {% if masked %}
        int32_t _n = 0;
        for (int32_t _i = 0; _i < _left.n_taps(_m); _i++) {
            const int32_t _tap = _left.taps(_m)[_i], _c = _tap % {{channels}};
            const int32_t _kx = _tap / {{channels}} % {{kernel_width}}, _y = _top + _tap / {{channels * kernel_width}};
            if (_kx < _x0 || _kx >= _x1 || _y < 0 || _y >= {{source_height}}) continue;
            _list_pre[_n] = (_y * {{source_width}} + _left_column + _kx) * {{channels}} + _c;
            _list_kernel[_n++] = _tap * {{n_maps}} + _m;
        }
        _tally += _n;
        {% if collected %}
        {% for one in collected if one.name in variables %}
        stdpnet::gather(_near_{{one.name}}, _far_{{one.name}}, _list{{one.index}}, _n);
        {% endfor %}
        {% include 'stdpnet_update.cpp' %}
        {% for one in collected if one.name in variables and one.written %}
        stdpnet::scatter(_near_{{one.name}}, _far_{{one.name}}, _list{{one.index}}, _n);
        {% endfor %}
        {% else %}
        {% for index in ('_pre', '_kernel') if index in variables %}
        const stdpnet::Listed {{get_array_name(variables[index])}} = { 0, _list{{index}} };
        {% endfor %}
        {% if '_post' in variables %}
        const stdpnet::Fixed {{get_array_name(variables['_post'])}} = { _spike };
        {% endif %}
        {% with n_calls = '_n' %}{% include 'stdpnet_calls.cpp' %}{% endwith %}
        for (int32_t _idx = 0; _idx < _n; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
        }
        {% endif %}
        {% elif collected %}
        const int32_t _columns = (_x1 - _x0) * {{channels}};
        const auto _rows = [&](const auto& _copy) {
            int32_t _n = 0;
            for (int32_t _ky = std::max(0, -_top); _ky < std::min({{kernel_height}}, {{source_height}} - _top); _ky++, _n += _columns)
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
        for (int32_t _ky = std::max(0, -_top); _ky < std::min({{kernel_height}}, {{source_height}} - _top); _ky++) {
            {% if '_pre' in variables %}
            const stdpnet::Shift {{get_array_name(variables['_pre'])}} = { ((_top + _ky) * {{source_width}} + _left_column + _x0) * {{channels}} };
            {% endif %}
            {% if '_post' in variables %}
            const stdpnet::Fixed {{get_array_name(variables['_post'])}} = { _spike };
            {% endif %}
            {% if '_kernel' in variables %}
            const stdpnet::Shift {{get_array_name(variables['_kernel'])}} = { (_ky * {{kernel_width}} + _x0) * {{channels * n_maps}} + _m, {{n_maps}} };
            {% endif %}
            _tally += (_x1 - _x0) * {{channels}};
            const int32_t _n = (_x1 - _x0) * {{channels}};
            {% with n_calls = '_n' %}{% include 'stdpnet_calls.cpp' %}{% endwith %}
            {% if independent %}
            #pragma GCC ivdep
            {% endif %}
            for (int32_t _idx = 0; _idx < _n; _idx++) {
                const size_t _vectorisation_idx = _idx;
                {{vector_code|autoindent}}
            }
        }
        {% endif %}
    }
{% endblock %}
