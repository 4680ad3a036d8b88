{# All weights after every so many presentations, written to files if the run asks for it. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% for variable in logged %}
    static stdpnet::WeightLog _log_{{loop.index}}("{{variable.name}}");
    _log_{{loop.index}}.add({{variable.array}}, {{variable.n}});
    {% endfor %}
{% endblock %}
