{# Where a column is not null it is finite, and within bounds. #}
{% test in_range(model, column, low=none, high=none) %}
select {{ column }}
from {{ model }}
where not ({{ column }} - {{ column }} = 0)
{%- if low is not none %} or {{ column }} < {{ low }}{% endif %}
{%- if high is not none %} or {{ column }} > {{ high }}{% endif %}
{% endtest %}
