{# Bars as statistics want them: doubles, and times in microseconds. #}
{% macro bars_as_doubles(bars) %}
    select
        source,
        symbol,
        "interval",
        {{ epoch_us('open_time') }} as open_us,
        cast(open as double) as open,
        cast(high as double) as high,
        cast(low as double) as low,
        cast(close as double) as close,
        cast(volume as double) as volume,
        cast(quote_volume as double) as quote_volume,
        trade_count,
        is_filled
    from {{ bars }}
{%- endmacro %}
