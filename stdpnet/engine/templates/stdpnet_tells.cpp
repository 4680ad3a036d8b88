{# Whether the traces of a neuron still tell of spikes before this presentation. #}
[&](int32_t _neuron) { return {% for array in traces %}std::abs({{array}}[_neuron]) > 1e-12 || {% endfor %}false; }
