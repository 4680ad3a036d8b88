{# Spikes of this step, written to a file if the run asks for it. #}
{# USES_VARIABLES { _spikespace, N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    static stdpnet::SpikeLog _log("{{logged_name}}");
    _log.add({{_spikespace}}, {{_spikespace}}[N]);
{% endblock %}
