-- Bars of every interval, made from trades. One without trades is flat at the last price before it.
with  __dbt__cte__int_merged_parts as (
with parts as (

    select * from "memory"."intermediate"."int_parts"

),

bars as (
    
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
    from parts
    group by source, symbol, "interval", length_us, open_us

)

select * from bars
),  __dbt__cte__int_traded_bars as (
with bars as (

    select * from __dbt__cte__int_merged_parts

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
),  __dbt__cte__stg_ledger__horizons as (
with source as (

    select * from "memory"."ledger"."horizons"

),

renamed as (

    select
        source,
        symbol,
        time_us
    from source

)

select * from renamed
),  __dbt__cte__int_empty_bars as (
-- Bars in which nothing was traded, as far as that is known: between two trades whose ids follow each other, and on whole
-- days from their first trade on (before it, the price to carry may be that of a trade that is not held). After the newest
-- trade, those that are over: that they are empty is not proven before the next one.
with traded as (

    select * from __dbt__cte__int_traded_bars

),

whole_days as (

    select * from __dbt__cte__stg_ledger__whole_days

),

horizons as (

    select * from __dbt__cte__stg_ledger__horizons

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

proven as (

    select * from between_neighbours
    union
    select * from of_whole_days

),

since_the_newest as (

    select
        traded.source,
        traded.symbol,
        traded."interval",
        traded.length_us,
        unnest(range(traded.open_us + traded.length_us, horizons.time_us // traded.length_us * traded.length_us, traded.length_us)) as open_us
    from traded
    inner join horizons
        on traded.source = horizons.source
        and traded.symbol = horizons.symbol
    where traded.next_open_us is null

),

quiet as (

    select *, true as is_proven from proven
    union all
    select *, false as is_proven from (select * from since_the_newest except select * from proven) as unproven

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

    select
        *,
        cast(null as boolean) as is_proven
    from traded
    union all
    select
        source,
        symbol,
        "interval",
        length_us,
        open_us,
        null as open,
        null as high,
        null as low,
        null as close,
        null as volume,
        null as quote_volume,
        null as trade_count,
        null as taker_buy_volume,
        null as taker_buy_quote_volume,
        null as first_trade_id,
        null as last_trade_id,
        null as previous_trade_id,
        null as next_trade_id,
        null as next_open_us,
        is_proven
    from empty_bars

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
            carried.is_proven
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
