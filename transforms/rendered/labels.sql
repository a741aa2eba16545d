-- What came after a bar, apart from all that was known at its close. Null where the bars that follow are not there.
with  __dbt__cte__int_numbered_bars as (
-- Bars with their number in their stretch, from 0: a run without a missing bar. Nothing reaches over a hole.
with bars as (

    select * from "memory"."intermediate"."int_bars"

),

-- As far from its number among all bars as that of the bar before, unless one is missing between them.
stretched as (

    select
        *,
        open_us - length_us * row_number() over (partition by source, symbol, "interval" order by open_us) as stretch
    from bars

),

numbered as (

    select
        *,
        (row_number() over in_order) - 1 as i,
        lag(close) over in_order as previous_close
    from stretched
    window in_order as (partition by source, symbol, "interval", stretch order by open_us)

)

select * from numbered
), bars as (

    select
        *,
        lead(close, 1) over (partition by source, symbol, "interval", stretch order by i) as future_close
    from __dbt__cte__int_numbered_bars
    where close > 0

),

final as (

    select
        source,
        symbol,
        "interval",
        make_timestamptz(open_us) as open_time,
        cast(1 as bigint) as horizon,
        2.0000000000000000e-03 as cost,
        future_close,
        future_close / close - 1 as future_return,
        future_close / close - 1 < -2.0000000000000000e-03 as sell,
        cast(make_timestamp(open_us) as date) as "date"
    from bars

)

select * from final
