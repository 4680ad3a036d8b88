{# Spikes of this step, counted, and written to files if the run asks for it. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% for group in logged %}
    static stdpnet::SpikeLog _log_{{loop.index}}("{{group.name}}");
    _log_{{loop.index}}.add({{group.array}}, {{group.array}}[{{group.n}}]);
    {% endfor %}
{% endblock %}
