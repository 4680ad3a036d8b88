{# Lists the neurons of this step's spikes, for rules that act only where a target has spiked. #}
{# USES_VARIABLES { _spikespace, N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    stdpnet::Spiked& _spiked = stdpnet::spiked("{{listed_name}}", {{n_sites}}, {{n_maps}});
    _spiked.begin({% include 'stdpnet_tells.cpp' %});
    _spiked.add({{_spikespace}}, {{_spikespace}}[N]);
{% endblock %}
