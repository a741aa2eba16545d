-- What a day was like in every market, and which markets were traded most.
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
        case when i > 0 then close / previous_close - 1 end as change
    from __dbt__cte__int_numbered_bars
    where "interval" = '1d'

),

final as (

    select
        source,
        symbol,
        "interval",
        make_timestamptz(open_us) as open_time,
        open,
        high,
        low,
        close,
        change,
        case when low > 0 then high / low - 1 end as price_range,
        case when volume > 0 then quote_volume / volume end as vwap,
        volume,
        quote_volume,
        trade_count,
        cast(row_number() over (partition by source, open_us order by quote_volume desc, symbol) as bigint) as volume_rank,
        is_filled,
        cast(make_timestamp(open_us) as date) as "date"
    from bars

)

select * from final
