{# Where a column is not null it is finite, and within bounds, but for what rounding makes of a value at them. #}
{% test in_range(model, column, low=none, high=none) %}
select {{ column }}
from {{ model }}
where not ({{ column }} - {{ column }} = 0)
{%- if low is not none %} or {{ column }} < {{ low }} - 1e-9{% endif %}
{%- if high is not none %} or {{ column }} > {{ high }} + 1e-9{% endif %}
{% endtest %}
