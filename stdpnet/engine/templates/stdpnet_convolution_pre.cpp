{# For each source spike: all target positions whose kernel covers it, and there
   all maps, or only those that are listed as having spiked, or that are left. Targets and weights
   are contiguous over maps. Statements that take long are carried out on a copy of
   everything that is listed. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% if learning_array %}
    if (!{{learning_array}}[0]) return;
    {% endif %}
    const int32_t* _events = {{get_array_name(variables['_source_spikes'])}};
    const int32_t _n_events = _events[{{n_source}}];
    if (_n_events == 0) return;
    static int64_t& _tally = stdpnet::tally("{{tally}}");
    {% if masked %}
    static int64_t& _passed_over = stdpnet::tally("{{tally}}_passed_over");
    {% endif %}
    {% if competes %}
    static const bool _seen = stdpnet::records("{{competes.recorded}}");
    {% endif %}
    {% if listed_name %}
    stdpnet::Spiked& _spiked = stdpnet::spiked("{{listed_name}}", {{target_height * target_width}}, {{n_maps}});
    _spiked.begin({% include 'stdpnet_tells.cpp' %});
    {% endif %}
    {% if masked %}
    static const stdpnet::Left _left({{masked}}, {{kernel_height * kernel_width * channels}}, {{n_maps}});
    {% endif %}
    {% if collected %}
    static int32_t _list_post[{{n_most}}], _list_kernel[{{n_most}}];
    {% include 'stdpnet_collected.cpp' %}
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
        {% if not sparse and not masked %}
        _tally += static_cast<int64_t>(std::max(0, _y1 - _y0 + 1)) * std::max(0, _x1 - _x0 + 1) * {{n_maps}};
        {% endif %}
        {% if collected %}
        int32_t _n = 0;
        {% endif %}
        for (int32_t _y = _y0; _y <= _y1; _y++)
        for (int32_t _x = _x0; _x <= _x1; _x++) {
            const int32_t _tap = ((_sy - _y * {{stride}}) * {{kernel_width}} + _sx - _x * {{stride}}) * {{channels}} + _c;
            {% if masked %}
            _tally += _left.n_maps(_tap);
            _passed_over += {{n_maps}} - _left.n_maps(_tap);
            {% endif %}
            {% if sparse %}
            const int32_t _first = {{sparse.offsets}}[_tap], _n_maps = {{sparse.offsets}}[_tap + 1] - _first;
            const int32_t* _maps = {{sparse.maps}} + _first;
            _tally += _n_maps;
            {% endif %}
            {% if competes %}
            // Nobody sees the potentials of a silent position before they are reset.
            if (!_seen && {{competes.site_wins}}[_y * {{target_width}} + _x] >= {{competes.winners}}[0]) continue;
            {% endif %}
            {% if listed_name %}
            const int32_t _n_maps = _spiked.count(_y * {{target_width}} + _x);
            if (_n_maps == 0) continue;
            const int32_t* _maps = _spiked.maps(_y * {{target_width}} + _x);
            {% endif %}
            {% if collected %}
            for (int32_t _i = 0; _i < _n_maps; _i++, _n++) {
                _list_post[_n] = (_y * {{target_width}} + _x) * {{n_maps}} + _maps[_i];
                _list_kernel[_n] = _tap * {{n_maps}} + _maps[_i];
            }
            {% else %}
            const int32_t _base = (_y * {{target_width}} + _x) * {{n_maps}};
            {% include 'stdpnet_act.cpp' %}
            {% if sparse %}
            _act(stdpnet::Listed{ _base, _maps }, stdpnet::Shift{ _first }, _n_maps);
            {% elif listed_name %}
            _act(stdpnet::Listed{ _base, _maps }, stdpnet::Listed{ _tap * {{n_maps}}, _maps }, _n_maps);
            {% elif masked %}
            if (_left.all())
                _act(stdpnet::Shift{ _base }, stdpnet::Shift{ _tap * {{n_maps}} }, {{n_maps}});
            else
                _act(stdpnet::Listed{ _base, _left.maps(_tap) },
                     stdpnet::Listed{ _tap * {{n_maps}}, _left.maps(_tap) }, _left.n_maps(_tap));
            {% else %}
            _act(stdpnet::Shift{ _base }, stdpnet::Shift{ _tap * {{n_maps}} }, {{n_maps}});
            {% endif %}
            {% endif %}
        }
        {% if collected %}
        {% include 'stdpnet_on_copy.cpp' %}
        {% endif %}
    }
{% endblock %}
