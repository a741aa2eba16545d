-- The last 15 bars of the twelve indicators, as numbers that do not depend on the unit of prices: ratios to the close of
-- their bar. Only windows that are full; what they say of the future is in `labels`, on purpose.
{%- set length = 15 -%}
{%- set features = [
    'sma_20', 'sma_50', 'sma_200', 'bb_upper', 'bb_lower', 'bb_percent_b', 'macd', 'macd_signal', 'macd_histogram',
    'volatility_20', 'rsi_14', 'below_all_smas',
] %}
with indicators as (

    select * from {{ ref('indicators') }}
    where "interval" in ({% for interval in var('window_intervals') %}'{{ interval }}'{% if not loop.last %}, {% endif %}{% endfor %})

),

stationary as (

    select
        source,
        symbol,
        "interval",
        open_time,
        "date",
        {%- for column in ['sma_20', 'sma_50', 'sma_200', 'bb_upper', 'bb_lower'] %}
        {{ column }} / close - 1 as {{ column }},
        {%- endfor %}
        -- In a flat price the close is in the middle of the band that there is not.
        coalesce(bb_percent_b, 0.5) as bb_percent_b,
        {%- for column in ['macd', 'macd_signal', 'macd_histogram'] %}
        {{ column }} / close as {{ column }},
        {%- endfor %}
        volatility_20,
        rsi_14 / 100 as rsi_14,
        case when below_all_smas then 1e0 else 0e0 end as below_all_smas
    from indicators

),

lagged as (

    select
        source,
        symbol,
        "interval",
        open_time,
        {%- for feature in features %}
        {%- for age in range(length - 1, 0, -1) %}
        lag({{ feature }}, {{ age }}) over in_order as {{ feature }}_{{ age }},
        {%- endfor %}
        {{ feature }} as {{ feature }}_0,
        {%- endfor %}
        "date"
    from stationary
    window in_order as (partition by source, symbol, "interval" order by open_time)

),

-- As sma_200 is known 199 bars after a missing one, none is missing among those that know it.
final as (

    select * from lagged
    where sma_200_{{ length - 1 }} is not null and sma_200_0 is not null

)

select * from final
