{# The statements at _n synapses of one spike, given the indices that differ between them. #}
            const auto _act = [&](const auto& {{differs}}_index, const auto& _kernel_index, int32_t _n) {
                {% for index in (differs, '_kernel') if index in variables %}
                const auto& {{get_array_name(variables[index])}} = {{index}}_index;
                {% endfor %}
                {% if same_for_all in variables %}
                const stdpnet::Fixed {{get_array_name(variables[same_for_all])}} = { _spike };
                {% endif %}
                {% with n_calls = '_n' %}{% include 'stdpnet_calls.cpp' %}{% endwith %}
                {% if independent %}
                #pragma GCC ivdep
                {% endif %}
                for (int32_t _idx = 0; _idx < _n; _idx++) {
                    const size_t _vectorisation_idx = _idx;
                    {{vector_code|autoindent}}
                }
            };
