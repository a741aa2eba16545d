{#
  Windows over the bars of a stretch. A statistic of the last n bars is null before there are n: `full(n)` says from which
  bar on there are.
#}
{% macro stretch() %}source, symbol, "interval", stretch{% endmacro %}

{% macro last(n) %}(partition by {{ stretch() }} order by i rows between {{ n - 1 }} preceding and current row){% endmacro %}

{% macro full(n, expression) %}case when i >= {{ n - 1 }} then {{ expression }} end{% endmacro %}

{# A double as SQL reads it: without the exponent it would be a decimal. #}
{% macro number(value) %}{{ '%.16e' % value }}{% endmacro %}

{# The pair of a value and what tells equal values apart; pairs compare by the value first. #}
{% macro pair(value, then) %}{{ return(adapter.dispatch('pair')(value, then)) }}{% endmacro %}
{% macro default__pair(value, then) %}row({{ value }}, {{ then }}){% endmacro %}
{% macro spark__pair(value, then) %}struct({{ value }} as value, {{ then }} as i){% endmacro %}

{# The second of a pair. #}
{% macro second_of(pair) %}{{ return(adapter.dispatch('second_of')(pair)) }}{% endmacro %}
{% macro default__second_of(pair) %}({{ pair }})[2]{% endmacro %}
{% macro spark__second_of(pair) %}({{ pair }}).i{% endmacro %}

{# Values in a window as a list, and the mean distance of a list's numbers from one. #}
{% macro listed(column, window) %}{{ return(adapter.dispatch('listed')(column, window)) }}{% endmacro %}
{% macro default__listed(column, window) %}list({{ column }}) over {{ window }}{% endmacro %}
{% macro spark__listed(column, window) %}collect_list({{ column }}) over {{ window }}{% endmacro %}

{% macro mean_distance(values, number) %}{{ return(adapter.dispatch('mean_distance')(values, number)) }}{% endmacro %}
{% macro default__mean_distance(values, number) %}list_avg(list_transform({{ values }}, x -> abs(x - {{ number }}))){% endmacro %}
{% macro spark__mean_distance(values, number) %}aggregate({{ values }}, 0D, (sum, x) -> sum + abs(x - {{ number }})) / size({{ values }}){% endmacro %}

{# The last value of a column in a window that is not null. #}
{% macro last_known(column) %}{{ return(adapter.dispatch('last_known')(column)) }}{% endmacro %}
{% macro default__last_known(column) %}last_value({{ column }} ignore nulls){% endmacro %}
{% macro spark__last_known(column) %}last_value({{ column }}) ignore nulls{% endmacro %}
