with trades as (

    select * from {{ ref('stg_market__trades') }}

),

minutes as (

    select
        source,
        symbol,
        {{ open_us('traded_us', 60000000) }} as minute_us,
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
    group by source, symbol, {{ open_us('traded_us', 60000000) }}

)

select * from minutes
