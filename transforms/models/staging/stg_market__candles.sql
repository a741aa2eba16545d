with source as (

    select * from {{ source('market', 'candles') }}

),

renamed as (
    {{ bars_as_doubles('source') }}

)

select * from renamed
