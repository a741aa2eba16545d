{# Where a column is known, as many bars as it is made of follow each other without a missing one. #}
{% test reaches_back(model, bars, column, over) %}
with ordered as (
    select
        known.source,
        known.symbol,
        known."interval",
        known.open_time,
        known.{{ column }},
        bars.open_us,
        bars.length_us,
        lag(bars.open_us, {{ over - 1 }}) over (
            partition by known.source, known.symbol, known."interval" order by bars.open_us
        ) as first_us
    from {{ model }} as known
    inner join {{ bars }} as bars
        on known.source = bars.source
        and known.symbol = bars.symbol
        and known."interval" = bars."interval"
        and known.open_time = {{ instant('bars.open_us') }}
)

select * from ordered
where {{ column }} is not null and coalesce(open_us - first_us, 0) <> {{ over - 1 }} * length_us
{% endtest %}
