{# For each spike: the one partner with the same index. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% if learning_array %}
    if (!{{learning_array}}[0]) return;
    {% endif %}
    const int32_t* _events = {{get_array_name(variables[spikes_of])}};
    const int32_t _n_events = _events[{{n_spikes_of}}];
    if (_n_events == 0) return;
    static int64_t& _tally = stdpnet::tally("{{tally}}");
    _tally += _n_events;
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _k = 0; _k < _n_events; _k++) {
        {% for index in ('_pre', '_post', '_kernel') if index in variables %}
        const stdpnet::Fixed {{get_array_name(variables[index])}} = { _events[_k] };
        {% endfor %}
        const int32_t _idx = 0;
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
{% endblock %}
