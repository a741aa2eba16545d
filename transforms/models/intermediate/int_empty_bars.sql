-- Bars in which nothing was traded, as far as that is known: between two trades whose ids follow each other, and on whole
-- days from their first trade on (before it, the price to carry may be that of a trade that is not held). After the newest
-- trade, those that are over: that they are empty is not proven before the next one.
with traded as (

    select * from {{ ref('int_traded_bars') }}

),

whole_days as (

    select * from {{ ref('stg_ledger__whole_days') }}

),

horizons as (

    select * from {{ ref('stg_ledger__horizons') }}

),

between_neighbours as (

    select
        source,
        symbol,
        "interval",
        length_us,
        {{ steps('open_us + length_us', 'next_open_us', 'length_us') }} as open_us
    from traded
    where next_trade_id = last_trade_id + 1

),

of_whole_days as (

    select
        traded.source,
        traded.symbol,
        traded."interval",
        traded.length_us,
        {{ steps('min(traded.open_us)', 'whole_days.day_us + 86400000000', 'traded.length_us') }} as open_us
    from traded
    inner join whole_days
        on traded.source = whole_days.source
        and traded.symbol = whole_days.symbol
        and {{ open_us('traded.open_us', 86400000000) }} = whole_days.day_us
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
        {{ steps('traded.open_us + traded.length_us', open_us('horizons.time_us', 'traded.length_us'), 'traded.length_us') }} as open_us
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
