{# Arrays for the variables that differ between the synapses of one event. #}
    {% for one in collected if one.name in variables %}
    alignas(64) static {{one.type}} _near_{{one.name}}[{{n_most + lanes - n_most % lanes}}];
    {{one.type}}* const _far_{{one.name}} = {{get_array_name(variables[one.name])}};
    {% endfor %}
