with source as (

    select * from {{ source('market', 'klines') }}

),

renamed as (
    {{ bars_as_doubles('source') }}

)

select * from renamed
