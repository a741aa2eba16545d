with bars as (

    select * from {{ ref('int_merged_parts') }}

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
