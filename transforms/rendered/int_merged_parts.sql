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
