with source as (

    select * from {{ source('market', 'trades') }}

),

shortened as (

    select
        *,
        {{ eight_decimals('price') }} as price_8,
        {{ eight_decimals('volume') }} as volume_8
    from source

),

renamed as (

    select
        source,
        symbol,
        trade_id,
        {{ epoch_us('timestamp') }} as traded_us,
        price,
        volume,
        {{- quote_amount('price', 'volume', 'price_8', 'volume_8') }} as quote_volume,
        side = 'buy' as is_taker_buy
    from shortened

)

select * from renamed
