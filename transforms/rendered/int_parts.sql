with  __dbt__cte__stg_market__trades as (
with source as (

    select * from "memory"."market"."trades"

),

shortened as (

    select
        *,
        cast(try_cast(round(cast(price as double) * 1e8) as bigint) as decimal(19, 0)) * 0.00000001 as price_8,
        cast(try_cast(round(cast(volume as double) * 1e8) as bigint) as decimal(19, 0)) * 0.00000001 as volume_8
    from source

),

renamed as (

    select
        source,
        symbol,
        trade_id,
        epoch_us(timestamp) as traded_us,
        price,
        volume,
        case
            when price_8 = price and volume_8 = volume
                then cast(price_8 * volume_8 as decimal(38, 18))
            when cast(price as decimal(38, 10)) = price and cast(volume as decimal(38, 8)) = volume
                then cast(price as decimal(38, 10)) * cast(volume as decimal(38, 8))
            else cast(cast(price as double) * cast(volume as double) as decimal(38, 18))
        end as quote_volume,
        side = 'buy' as is_taker_buy
    from shortened

)

select * from renamed
),  __dbt__cte__int_minutes as (
with trades as (

    select * from __dbt__cte__stg_market__trades

),

minutes as (
    
    select
        source,
        symbol,
        traded_us // 60000000 * 60000000 as unit_us,
        min_by(price, trade_id) as open,
        max(price) as high,
        min(price) as low,
        max_by(price, trade_id) as close,
        sum(volume) as volume,
        sum(quote_volume) as quote_volume,
        count(*) as trade_count,
        sum(case when is_taker_buy then volume else 0 end) as taker_buy_volume,
        sum(case when is_taker_buy then quote_volume else 0 end) as taker_buy_quote_volume,
        min(trade_id) as first_trade_id,
        max(trade_id) as last_trade_id
    from trades
    group by source, symbol, traded_us // 60000000 * 60000000

)

select * from minutes
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

), minutes as (

    select * from __dbt__cte__int_minutes

),

intervals as (

    select * from __dbt__cte__int_intervals

),

parts as (
    
    select
        source,
        symbol,
        "interval",
        length_us,
        open_us,
        min_by(open, first_trade_id) as open,
        max(high) as high,
        min(low) as low,
        max_by(close, last_trade_id) as close,
        sum(volume) as volume,
        sum(quote_volume) as quote_volume,
        cast(sum(trade_count) as bigint) as trade_count,
        sum(taker_buy_volume) as taker_buy_volume,
        sum(taker_buy_quote_volume) as taker_buy_quote_volume,
        min(first_trade_id) as first_trade_id,
        max(last_trade_id) as last_trade_id
    from (
    select
        units.source,
        units.symbol,
        intervals."interval",
        intervals.length_us,
        units.unit_us // intervals.length_us * intervals.length_us as open_us,
        units.* exclude (source, symbol, unit_us)
    from minutes as units
    cross join intervals as intervals)
    group by source, symbol, "interval", length_us, open_us

)

select * from parts
