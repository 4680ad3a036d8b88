{# All weights after every so many presentations, written to files if the run asks for it. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% for variable in recorded %}
    static stdpnet::WeightLog _log_{{variable}}("{{recorded_name}}.{{variable}}");
    _log_{{variable}}.add({{get_array_name(variables[variable])}}, {{n_weights}});
    {% endfor %}
{% endblock %}
