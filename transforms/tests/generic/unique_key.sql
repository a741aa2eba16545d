{# No two rows have the same values in some columns. #}
{% test unique_key(model, columns) %}
select {{ columns | join(', ') }}, count(*) as number
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
