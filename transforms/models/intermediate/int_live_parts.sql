with seconds as (

    select * from {{ ref('int_seconds') }}

),

intervals as (

    select * from {{ ref('int_intervals') }}
    union all
    select '1s' as "interval", 1000000 as length_us

),

parts as (
    {{ merge_parts('(' ~ place_units('seconds', 'intervals') ~ ')') }}

)

select * from parts
