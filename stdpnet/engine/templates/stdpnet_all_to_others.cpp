{# Every target hears all spikes but those of the source with its own index: the weight
   times their number for all of them at once, then what is too much is taken back. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const int32_t* _events = {{get_array_name(variables['_source_spikes'])}};
    const int32_t _n_events = _events[{{n_source}}];
    if (_n_events == 0) return;
    static int64_t& _tally = stdpnet::tally("{{tally}}");
    _tally += static_cast<int64_t>(_n_events) * {{n_target - 1}};
    const {{real}} _weight = {{get_array_name(variables['w'])}}[0];
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const auto _add = [&](const auto& {{get_array_name(variables['_post'])}}, int32_t _n, {{real}} _times) {
        const {{real}} {{get_array_name(variables['w'])}}[1] = { _times * _weight };
        const stdpnet::Fixed {{get_array_name(variables['_kernel'])}} = { 0 };
        #pragma GCC ivdep
        for (int32_t _idx = 0; _idx < _n; _idx++) {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
        }
    };
    _add(stdpnet::Shift{ 0 }, {{n_target}}, _n_events);
    for (int32_t _k = 0; _k < _n_events; _k++) _add(stdpnet::Fixed{ _events[_k] }, 1, -1);
{% endblock %}
