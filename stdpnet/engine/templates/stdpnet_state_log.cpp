{# State of chosen neurons at the end of each step, written to files if the run asks for it. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% for variable in recorded %}
    static stdpnet::StateLog<{{c_data_type(variables[variable].dtype)}}> _log_{{variable}}("{{recorded_name}}.{{variable}}");
    _log_{{variable}}.add({{get_array_name(variables[variable])}});
    {% endfor %}
{% endblock %}
