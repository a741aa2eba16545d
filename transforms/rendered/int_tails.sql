-- The newest stretch of every market: its last closes as a list, oldest first. What is older weighs nothing.
with bars as (

    select * from "memory"."intermediate"."int_bars"

),

markets as (

    select
        source,
        symbol,
        "interval",
        any_value(length_us) as length_us,
        count(*) as bars,
        min(open_us) as first_us,
        max(open_us) as open_us,
        max_by(is_filled, open_us) as is_filled,
        list(close order by open_us) as closes
    from bars
    group by source, symbol, "interval"

),

-- Only where a bar is missing it must be counted how many there are since.
stretches as (

    select
        source,
        symbol,
        "interval",
        open_us - length_us * row_number() over (partition by source, symbol, "interval" order by open_us) as stretch
    from bars
    semi join (select * from markets where open_us - first_us > (bars - 1) * length_us) as broken
        using (source, symbol, "interval")

),

since_the_last_hole as (

    select
        source,
        symbol,
        "interval",
        max_by(bars, stretch) as bars
    from (select source, symbol, "interval", stretch, count(*) as bars from stretches group by all) as counted
    group by source, symbol, "interval"

),

final as (

    select
        markets.source,
        markets.symbol,
        markets."interval",
        markets.open_us,
        markets.closes[-least(coalesce(since_the_last_hole.bars, markets.bars), 512):] as closes,
        markets.is_filled
    from markets
    left join since_the_last_hole
        using (source, symbol, "interval")

)

select * from final
