{# State of chosen neurons at the end of each step, written to files if the run asks for it. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% for variable in logged %}
    static stdpnet::StateLog _log_{{loop.index}}("{{variable.name}}");
    _log_{{loop.index}}.add({{variable.array}});
    {% endfor %}
{% endblock %}
