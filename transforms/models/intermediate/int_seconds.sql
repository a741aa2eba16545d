with trades as (

    select * from {{ ref('stg_market__trades') }}

),

seconds as (
    {{ aggregate_trades('trades', 1000000) }}

)

select * from seconds
