with trades as (

    select * from {{ ref('stg_market__trades') }}

),

minutes as (
    {{ aggregate_trades('trades', 60000000) }}

)

select * from minutes
