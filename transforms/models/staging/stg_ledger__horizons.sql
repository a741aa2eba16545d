with source as (

    select * from {{ source('ledger', 'horizons') }}

),

renamed as (

    select
        source,
        symbol,
        time_us
    from source

)

select * from renamed
