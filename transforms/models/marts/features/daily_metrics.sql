-- What a day was like in every market, and which markets were traded most.
with bars as (

    select
        *,
        case when i > 0 then close / previous_close - 1 end as change
    from {{ ref('int_numbered_bars') }}
    where "interval" = '1d'

),

final as (

    select
        source,
        symbol,
        "interval",
        {{ instant('open_us') }} as open_time,
        open,
        high,
        low,
        close,
        change,
        case when low > 0 then high / low - 1 end as price_range,
        case when volume > 0 then quote_volume / volume end as vwap,
        volume,
        quote_volume,
        trade_count,
        cast(row_number() over (partition by source, open_us order by quote_volume desc, symbol) as bigint) as volume_rank,
        is_filled,
        {{ utc_day('open_us') }} as "date"
    from bars

)

select * from final
