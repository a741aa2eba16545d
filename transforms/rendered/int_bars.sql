-- Bars that features are made of: the venue's, and ours where none of its is held.
with  __dbt__cte__stg_market__klines as (
with source as (

    select * from "memory"."market"."klines"

),

renamed as (
    
    select
        source,
        symbol,
        "interval",
        epoch_us(open_time) as open_us,
        cast(open as double) as open,
        cast(high as double) as high,
        cast(low as double) as low,
        cast(close as double) as close,
        cast(volume as double) as volume,
        cast(quote_volume as double) as quote_volume,
        trade_count,
        is_filled
    from source

)

select * from renamed
),  __dbt__cte__stg_market__candles as (
with source as (

    select * from "memory"."market"."candles"

),

renamed as (
    
    select
        source,
        symbol,
        "interval",
        epoch_us(open_time) as open_us,
        cast(open as double) as open,
        cast(high as double) as high,
        cast(low as double) as low,
        cast(close as double) as close,
        cast(volume as double) as volume,
        cast(quote_volume as double) as quote_volume,
        trade_count,
        is_filled
    from source

)

select * from renamed
),  __dbt__cte__int_intervals as (
select '1m' as "interval", 60000000 as length_us
union all select '3m' as "interval", 180000000 as length_us
union all select '5m' as "interval", 300000000 as length_us
union all select '15m' as "interval", 900000000 as length_us
union all select '30m' as "interval", 1800000000 as length_us
union all select '1h' as "interval", 3600000000 as length_us
union all select '2h' as "interval", 7200000000 as length_us
union all select '4h' as "interval", 14400000000 as length_us
union all select '6h' as "interval", 21600000000 as length_us
union all select '8h' as "interval", 28800000000 as length_us
union all select '12h' as "interval", 43200000000 as length_us
union all select '1d' as "interval", 86400000000 as length_us

), klines as (

    select * from __dbt__cte__stg_market__klines

),

candles as (

    select * from __dbt__cte__stg_market__candles

),

intervals as (

    select * from __dbt__cte__int_intervals
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
