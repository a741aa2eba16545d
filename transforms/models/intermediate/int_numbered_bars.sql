-- Bars with their number in their stretch, from 0: a run without a missing bar. Nothing reaches over a hole.
with bars as (

    select * from {{ ref('int_bars') }}

),

-- As far from its number among all bars as that of the bar before, unless one is missing between them.
stretched as (

    select
        *,
        open_us - length_us * row_number() over (partition by source, symbol, "interval" order by open_us) as stretch
    from bars

),

numbered as (

    select
        *,
        (row_number() over in_order) - 1 as i,
        lag(close) over in_order as previous_close
    from stretched
    window in_order as (partition by source, symbol, "interval", stretch order by open_us)

)

select * from numbered
