with minutes as (

    select * from {{ ref('int_minutes') }}

),

intervals as (

    select * from {{ ref('int_intervals') }}

),

parts as (
    {{ merge_parts('(' ~ place_units('minutes', 'intervals') ~ ')') }}

)

select * from parts
