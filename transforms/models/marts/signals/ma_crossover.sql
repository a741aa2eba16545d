-- Where the moving average of 50 closes crosses that of 200: once a crossing, at the close of its bar.
with indicators as (

    select
        *,
        -- Less than 1e-12 is what rounding makes of a flat price.
        case when abs(sma_50 - sma_200) > 1e-12 * sma_200 then sign(sma_50 - sma_200) end as side,
        sum(case when sma_200 is null then 1 else 0 end) over (
            partition by source, symbol, "interval"
            order by open_time
            rows unbounded preceding
        ) as warm_up
    from {{ ref('indicators') }}

),

-- After a missing bar the averages begin anew, so that what was before it does not count.
beside_the_side_before as (

    select
        *,
        {{ last_known('side') }} over (
            partition by source, symbol, "interval", warm_up
            order by open_time
            rows between unbounded preceding and 1 preceding
        ) as side_before
    from indicators

),

final as (

    select
        'ma_crossover' as strategy,
        '1' as version,
        source,
        symbol,
        "interval",
        open_time,
        case when side > 0 then 'BUY' else 'SELL' end as signal,
        close as price,
        sma_50,
        sma_200,
        is_filled,
        "date"
    from beside_the_side_before
    where side <> side_before

)

select * from final
