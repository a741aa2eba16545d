-- Bars of every interval, made from trades. One without trades is flat at the last price before it.
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
        traded_us // 60000000 * 60000000 as minute_us,
        arg_min(price, trade_id) as open,
        max(price) as high,
        min(price) as low,
        arg_max(price, trade_id) as close,
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

),  __dbt__cte__int_traded_bars as (
with minutes as (

    select * from __dbt__cte__int_minutes

),

intervals as (

    select * from __dbt__cte__int_intervals

),

placed as (

    select
        minutes.*,
        intervals."interval",
        intervals.length_us,
        minutes.minute_us // intervals.length_us * intervals.length_us as open_us
    from minutes
    cross join intervals

),

bars as (

    select
        source,
        symbol,
        "interval",
        length_us,
        open_us,
        arg_min(open, minute_us) as open,
        max(high) as high,
        min(low) as low,
        arg_max(close, minute_us) as close,
        sum(volume) as volume,
        sum(quote_volume) as quote_volume,
        cast(sum(trade_count) as bigint) as trade_count,
        sum(taker_buy_volume) as taker_buy_volume,
        sum(taker_buy_quote_volume) as taker_buy_quote_volume,
        min(first_trade_id) as first_trade_id,
        max(last_trade_id) as last_trade_id
    from placed
    group by source, symbol, "interval", length_us, open_us

),

beside_neighbours as (

    select
        *,
        lag(last_trade_id) over market as previous_trade_id,
        lead(first_trade_id) over market as next_trade_id,
        lead(open_us) over market as next_open_us
    from bars
    window market as (partition by source, symbol, "interval" order by open_us)

)

select * from beside_neighbours
),  __dbt__cte__stg_ledger__whole_days as (
with source as (

    select * from "memory"."ledger"."whole_days"

),

renamed as (

    select
        source,
        symbol,
        epoch_us(day) as day_us
    from source

)

select * from renamed
),  __dbt__cte__int_empty_bars as (
-- Bars in which nothing was traded, as far as that is known: between two trades whose ids follow each other, and on whole
-- days from their first trade on (before it, the price to carry may be that of a trade that is not held).
with traded as (

    select * from __dbt__cte__int_traded_bars

),

whole_days as (

    select * from __dbt__cte__stg_ledger__whole_days

),

between_neighbours as (

    select
        source,
        symbol,
        "interval",
        length_us,
        unnest(range(open_us + length_us, next_open_us, length_us)) as open_us
    from traded
    where next_trade_id = last_trade_id + 1

),

of_whole_days as (

    select
        traded.source,
        traded.symbol,
        traded."interval",
        traded.length_us,
        unnest(range(min(traded.open_us), whole_days.day_us + 86400000000, traded.length_us)) as open_us
    from traded
    inner join whole_days
        on traded.source = whole_days.source
        and traded.symbol = whole_days.symbol
        and traded.open_us // 86400000000 * 86400000000 = whole_days.day_us
    group by traded.source, traded.symbol, traded."interval", traded.length_us, whole_days.day_us

),

quiet as (

    select * from between_neighbours
    union
    select * from of_whole_days

),

empty_bars as (

    select quiet.*
    from quiet
    left join traded
        on quiet.source = traded.source
        and quiet.symbol = traded.symbol
        and quiet."interval" = traded."interval"
        and quiet.open_us = traded.open_us
    where traded.open_us is null

)

select * from empty_bars
), traded as (

    select * from __dbt__cte__int_traded_bars

),

empty_bars as (

    select * from __dbt__cte__int_empty_bars

),

whole_days as (

    select * from __dbt__cte__stg_ledger__whole_days

),

bars as (

    select * from traded
    union all by name
    select * from empty_bars

),

carried as (

    select
        *,
        last_value(close ignore nulls) over (
            partition by source, symbol, "interval"
            order by open_us
            rows between unbounded preceding and current row
        ) as last_price
    from bars

),

final as (

    select
        carried.symbol,
        carried."interval",
        make_timestamptz(carried.open_us) as open_time,
        coalesce(carried.open, carried.last_price) as open,
        coalesce(carried.high, carried.last_price) as high,
        coalesce(carried.low, carried.last_price) as low,
        carried.last_price as close,
        coalesce(carried.volume, 0) as volume,
        make_timestamptz(carried.open_us + carried.length_us - 1) as close_time,
        coalesce(carried.quote_volume, 0) as quote_volume,
        coalesce(carried.trade_count, 0) as trade_count,
        coalesce(carried.taker_buy_volume, 0) as taker_buy_volume,
        coalesce(carried.taker_buy_quote_volume, 0) as taker_buy_quote_volume,
        carried.source,
        carried.trade_count is null as is_filled,
        cast(make_timestamp(carried.open_us) as date) as "date",
        carried.first_trade_id,
        carried.last_trade_id,
        -- Every trade of the bar is there: its ids have no hole, and its neighbours' join on; or its whole day is there.
        coalesce(
            carried.trade_count is null
            or whole_days.day_us is not null
            or (
                carried.trade_count = carried.last_trade_id - carried.first_trade_id + 1
                and carried.previous_trade_id = carried.first_trade_id - 1
                and carried.next_trade_id = carried.last_trade_id + 1
            ),
            false
        ) as is_complete
    from carried
    left join whole_days
        on carried.source = whole_days.source
        and carried.symbol = whole_days.symbol
        and carried.open_us // 86400000000 * 86400000000 = whole_days.day_us
    where carried.last_price is not null

)

select * from final
