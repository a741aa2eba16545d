with minutes as (

    select * from {{ ref('int_minutes') }}

),

intervals as (

    select * from {{ ref('int_intervals') }}

),

placed as (

    select
        minutes.*,
        intervals."interval",
        intervals.length_us,
        {{ open_us('minutes.minute_us', 'intervals.length_us') }} as open_us
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
