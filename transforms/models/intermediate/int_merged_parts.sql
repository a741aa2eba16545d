with parts as (

    select * from {{ ref('int_parts') }}

),

bars as (
    {{ merge_parts('parts') }}

)

select * from bars
