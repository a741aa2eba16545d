-- What came after a bar, apart from all that was known at its close. Null where the bars that follow are not there.
with bars as (

    select
        *,
        lead(close, {{ var('label_horizon') }}) over (partition by {{ stretch() }} order by i) as future_close
    from {{ ref('int_numbered_bars') }}
    where close > 0

),

final as (

    select
        source,
        symbol,
        "interval",
        {{ instant('open_us') }} as open_time,
        cast({{ var('label_horizon') }} as bigint) as horizon,
        {{ number(var('label_cost')) }} as cost,
        future_close,
        future_close / close - 1 as future_return,
        future_close / close - 1 < -{{ number(var('label_cost')) }} as sell,
        {{ utc_day('open_us') }} as "date"
    from bars

)

select * from final
