{# Trades of the same span of time as one row: a part of every bar that holds the span. Sums are exact decimals. #}
{% macro aggregate_trades(trades, unit_us) %}
    select
        source,
        symbol,
        {{ open_us('traded_us', unit_us) }} as unit_us,
        min_by(price, trade_id) as open,
        max(price) as high,
        min(price) as low,
        max_by(price, trade_id) as close,
        sum(volume) as volume,
        sum(quote_volume) as quote_volume,
        count(*) as trade_count,
        sum(case when is_taker_buy then volume else 0 end) as taker_buy_volume,
        sum(case when is_taker_buy then quote_volume else 0 end) as taker_buy_quote_volume,
        min(trade_id) as first_trade_id,
        max(trade_id) as last_trade_id
    from {{ trades }}
    group by source, symbol, {{ open_us('traded_us', unit_us) }}
{%- endmacro %}

{# One row a bar, of rows that are parts of one: all of its trades stand in exactly one part. #}
{% macro merge_parts(parts) %}
    select
        source,
        symbol,
        "interval",
        length_us,
        open_us,
        min_by(open, first_trade_id) as open,
        max(high) as high,
        min(low) as low,
        max_by(close, last_trade_id) as close,
        sum(volume) as volume,
        sum(quote_volume) as quote_volume,
        cast(sum(trade_count) as bigint) as trade_count,
        sum(taker_buy_volume) as taker_buy_volume,
        sum(taker_buy_quote_volume) as taker_buy_quote_volume,
        min(first_trade_id) as first_trade_id,
        max(last_trade_id) as last_trade_id
    from {{ parts }}
    group by source, symbol, "interval", length_us, open_us
{%- endmacro %}

{# Every unit of time as a part of the bar of each interval that holds it. #}
{% macro place_units(units, intervals) %}
    select
        units.source,
        units.symbol,
        intervals."interval",
        intervals.length_us,
        {{ open_us('units.unit_us', 'intervals.length_us') }} as open_us,
        {{ all_but('units', ['source', 'symbol', 'unit_us']) }}
    from {{ units }} as units
    cross join {{ intervals }} as intervals
{%- endmacro %}

{# All columns of a relation, without some. #}
{% macro all_but(relation, columns) %}{{ return(adapter.dispatch('all_but')(relation, columns)) }}{% endmacro %}
{% macro default__all_but(relation, columns) %}{{ relation }}.* exclude ({{ columns | join(', ') }}){% endmacro %}
{% macro spark__all_but(relation, columns) %}{{ relation }}.* except ({{ columns | join(', ') }}){% endmacro %}
