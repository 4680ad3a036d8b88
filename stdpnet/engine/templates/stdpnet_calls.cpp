{# What the statements of a loop call, which runs `n_calls` times: ours, not Brian2's. #}
                using stdpnet::exp;
                using stdpnet::pow;
                const auto _clip = [](auto _x, auto _low, auto _high) { return stdpnet::clip(_x, _low, _high); };
                {% set n_random = (vector_code|string).count('_rand(') %}
                {% if n_random %}
                const {{real}}* _uniform = stdpnet::uniforms<{{real}}>({{n_random}} * {{n_calls}});
                const auto _rand = [&_uniform](size_t) { return *_uniform++; };
                {% endif %}
