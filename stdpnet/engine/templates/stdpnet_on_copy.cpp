{# The statements at _n synapses that are listed, on a copy of their variables. #}
        {% for one in collected if one.name in variables %}
        stdpnet::gather(_near_{{one.name}}, _far_{{one.name}}, _list{{one.index}}, _n);
        {% endfor %}
        {% include 'stdpnet_update.cpp' %}
        {% for one in collected if one.name in variables and one.written %}
        stdpnet::scatter(_near_{{one.name}}, _far_{{one.name}}, _list{{one.index}}, _n);
        {% endfor %}
