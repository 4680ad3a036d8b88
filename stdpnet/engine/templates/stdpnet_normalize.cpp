{# The weights of every map, scaled to a given sum; none gets above its bound. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    if (!{{learning_array}}[0]) return;
    {{real}}* const _w = {{w_array}};
    static double _factors[{{n_maps}}];
    std::fill(_factors, _factors + {{n_maps}}, 0);
    for (int32_t _row = 0; _row < {{n_rows}}; _row++)
        for (int32_t _m = 0; _m < {{n_maps}}; _m++) _factors[_m] += _w[_row * {{n_maps}} + _m];
    for (int32_t _m = 0; _m < {{n_maps}}; _m++)
        _factors[_m] = _factors[_m] > 0 ? {{total_array}}[0] / _factors[_m] : 1;
    for (int32_t _row = 0; _row < {{n_rows}}; _row++)
        for (int32_t _m = 0; _m < {{n_maps}}; _m++)
            _w[_row * {{n_maps}} + _m] = std::min<{{real}}>(_w[_row * {{n_maps}} + _m] * _factors[_m], {{bound_array}}[0]);
{% endblock %}
