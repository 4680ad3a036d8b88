{# Spikes of an input: a given step for each neuron, or Poisson rates, frame after frame. #}
{# USES_VARIABLES { _spikespace, N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    int32_t* _events = {{_spikespace}};
    {% if stimulus == 'steps' %}
    static const stdpnet::Stimulus<uint16_t> _stimulus("stimulus_{{input_name}}", N);
    static stdpnet::StepInput _input(N, stdpnet::n_steps());
    if (stdpnet::step == 0) _input.present(_stimulus.row(stdpnet::example));
    _events[N] = _input.spikes(stdpnet::step, _events);
    {% else %}
    static const stdpnet::Stimulus<float> _stimulus("stimulus_{{input_name}}", N * {{n_frames}});
    static stdpnet::PoissonInput _input(N, stdpnet::n_input_steps(), {{n_frames}}, {{dt_seconds}});
    static auto& _random = brian::_random_generators[0];
    if (stdpnet::step == 0) _input.present(_stimulus.row(stdpnet::example), stdpnet::gain);
    _events[N] = _input.spikes(stdpnet::step, _events, _random);
    {% endif %}
{% endblock %}
