{# The counts of a presentation, appended to a file and set back to zero; those of an
   example that is shown again are forgotten. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    static stdpnet::Output _output("counts_{{counter_name}}");
    static std::vector<uint16_t> _row({{n_counts}});
    int32_t* _counts = {{get_array_name(variables['count'])}};
    for (int32_t _i = 0; _i < {{n_counts}}; _i++) {
        _row[_i] = static_cast<uint16_t>(std::min(_counts[_i], 65535));
        _counts[_i] = 0;
    }
    {% if 'so_far' in variables %}
    std::fill_n({{get_array_name(variables['so_far'])}}, {{n_counts}}, 0);
    {% endif %}
    if (stdpnet::is_last) _output.write(_row.data(), _row.size() * sizeof(uint16_t));
{% endblock %}
