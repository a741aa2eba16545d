{#
  Windows over the bars of a stretch. A statistic of the last n bars is null before there are n: `full(n)` says from which
  bar on there are.
#}
{% macro stretch() %}source, symbol, "interval", stretch{% endmacro %}

{% macro last(n) %}(partition by {{ stretch() }} order by i rows between {{ n - 1 }} preceding and current row){% endmacro %}

{% macro full(n, expression) %}case when i >= {{ n - 1 }} then {{ expression }} end{% endmacro %}

{# A double as SQL reads it: without the exponent it would be a decimal. #}
{% macro number(value) %}{{ '%.16e' % value }}{% endmacro %}
