-- Bars that features are made of: the venue's, and ours where none of its is held.
with klines as (

    select * from {{ ref('stg_market__klines') }}

),

candles as (

    select * from {{ ref('stg_market__candles') }}

),

intervals as (

    select * from {{ ref('int_intervals') }}
    union all
    select '1s' as "interval", 1000000 as length_us

),

bars as (

    select * from klines
    union all
    select candles.*
    from candles
    left join klines
        on candles.source = klines.source
        and candles.symbol = klines.symbol
        and candles."interval" = klines."interval"
        and candles.open_us = klines.open_us
    where klines.open_us is null

),

final as (

    select
        bars.source,
        bars.symbol,
        bars."interval",
        cast(intervals.length_us as bigint) as length_us,
        bars.open_us,
        bars.open,
        bars.high,
        bars.low,
        bars.close,
        bars.volume,
        bars.quote_volume,
        bars.trade_count,
        bars.is_filled
    from bars
    inner join intervals
        on bars."interval" = intervals."interval"

)

select * from final
