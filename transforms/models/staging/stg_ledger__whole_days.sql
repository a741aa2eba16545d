with source as (

    select * from {{ source('ledger', 'whole_days') }}

),

renamed as (

    select
        source,
        symbol,
        {{ epoch_us('day') }} as day_us
    from source

)

select * from renamed
