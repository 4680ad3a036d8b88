{# Spikes of this step, written to a file if the run asks for it. #}
{# USES_VARIABLES { _spikespace, N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    static stdpnet::SpikeLog _log("{{logged_name}}");
    static int64_t& _tally = stdpnet::tally("{{logged_name}}.spikes");
    _tally += {{_spikespace}}[N];
    _log.add({{_spikespace}}, {{_spikespace}}[N]);
{% endblock %}
