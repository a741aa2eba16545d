-- Bars of every interval, made from trades. One without trades is flat at the last price before it.
{%- set not_of_empty_bars = [
    'open', 'high', 'low', 'close', 'volume', 'quote_volume', 'trade_count', 'taker_buy_volume', 'taker_buy_quote_volume',
    'first_trade_id', 'last_trade_id', 'previous_trade_id', 'next_trade_id', 'next_open_us'
] %}
with traded as (

    select * from {{ ref('int_traded_bars') }}

),

empty_bars as (

    select * from {{ ref('int_empty_bars') }}

),

whole_days as (

    select * from {{ ref('stg_ledger__whole_days') }}

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
        {%- for column in not_of_empty_bars %}
        null as {{ column }},
        {%- endfor %}
        is_proven
    from empty_bars

),

carried as (

    select
        *,
        {{ last_known('close') }} over (
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
        {{ instant('carried.open_us') }} as open_time,
        coalesce(carried.open, carried.last_price) as open,
        coalesce(carried.high, carried.last_price) as high,
        coalesce(carried.low, carried.last_price) as low,
        carried.last_price as close,
        coalesce(carried.volume, 0) as volume,
        {{ instant('carried.open_us + carried.length_us - 1') }} as close_time,
        coalesce(carried.quote_volume, 0) as quote_volume,
        coalesce(carried.trade_count, 0) as trade_count,
        coalesce(carried.taker_buy_volume, 0) as taker_buy_volume,
        coalesce(carried.taker_buy_quote_volume, 0) as taker_buy_quote_volume,
        carried.source,
        carried.trade_count is null as is_filled,
        {{ utc_day('carried.open_us') }} as "date",
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
        and {{ open_us('carried.open_us', 86400000000) }} = whole_days.day_us
    where carried.last_price is not null

)

select * from final
