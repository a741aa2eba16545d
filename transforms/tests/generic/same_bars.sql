{# A mart has a row for every bar, and no other. #}
{% test same_bars(model, bars) %}
select source, symbol, "interval", open_time, count(*) as number
from (
    select source, symbol, "interval", open_time from {{ model }}
    union all
    select source, symbol, "interval", {{ instant('open_us') }} as open_time from {{ bars }}
) as counted
group by source, symbol, "interval", open_time
having count(*) <> 2
{% endtest %}
