{# The statements at _n synapses whose variables were collected into arrays without gaps,
   so that the compiler can do several at a time. Whole vectors: what is left over at
   the end of the arrays is computed too, and forgotten. #}
            {
                const int32_t _whole = (_n + {{lanes - 1}}) / {{lanes}} * {{lanes}};
                {% with n_calls = '_whole' %}{% include 'stdpnet_calls.cpp' %}{% endwith %}
                {% for one in collected if one.name in variables %}
                {{one.type}}* __restrict {{get_array_name(variables[one.name])}} = _near_{{one.name}};
                {% endfor %}
                {% for index in ('_pre', '_post', '_kernel') if index in variables %}
                {% if index == same_for_all %}
                const stdpnet::Fixed {{get_array_name(variables[index])}} = { _spike };
                {% else %}
                const stdpnet::Shift {{get_array_name(variables[index])}} = { 0 };
                {% endif %}
                {% endfor %}
                #pragma GCC ivdep
                for (int32_t _idx = 0; _idx < _whole; _idx++) {
                    const size_t _vectorisation_idx = _idx;
                    {{vector_code|autoindent}}
                }
            }
