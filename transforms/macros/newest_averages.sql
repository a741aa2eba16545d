{#
  The newest value of an exponential average is a fixed weighting of the values before it (exponential_averages tells which),
  so that of a list of them it is a dot product. Lists are DuckDB's: only the live path needs this form.
#}

{# Bars whose weights are above 1e-16 in the slowest of the averages: of 26 values, or Wilder's of 14. #}
{% macro tail_bars() %}{{ return(512) }}{% endmacro %}

{# Powers of r from high to none. #}
{% macro powers(r) -%}
list_transform(range({{ tail_bars() }}), k -> pow({{ number(r) }}, {{ tail_bars() - 1 }} - k))
{%- endmacro %}

{#
  The newest value of an average over `values`, a list of `count` of them, by `powers`, a list of those of its r; null before
  it is known.
#}
{% macro newest_average(average, values, count, powers) -%}
case
            when {{ count }} > {{ average.first }}
                then {{ number(average.alpha) }} * {{ weighted_since(average.first, values, count, powers) }}
                    + pow({{ number(average.r) }}, {{ count }} - {{ average.first + 1 }}) * list_avg({{ values }}[{{ average.first - average.n + 2 }}:{{ average.first + 1 }}])
        end
{%- endmacro %}

{# The sum of r^(i - t) x(t) over all t after `first`. #}
{% macro weighted_since(first, values, count, powers) -%}
list_dot_product({{ values }}[{{ first + 2 }}:], {{ powers }}[{{ tail_bars() + first + 2 }} - {{ count }}:])
{%- endmacro %}

{#
  The newest MACD signal: the average `signal` of the difference of `fast` and `slow`. An average of an average is made of the
  two averages of the values themselves. With r' of the signal and r, a of a line's, and h the plain sum of weights of
  the signal over values after its first:

      s(i) = sum of sign * (r' a / (r' - r) * h(i) - (1 - r') r / (r' - r) * line(i)) + start * r'^(i - first)

  where start makes it right at its first: the mean of the differences there, less what the rest gives.
#}
{% macro newest_signal(fast, slow, signal, values, count, powers) -%}
{%- set share = namespace(line={}, values=0) -%}
{%- for average, sign in [(fast, 1), (slow, -1)] -%}
    {%- set gap = signal.r - average.r -%}
    {%- do share.line.update({average.name: -sign * signal.alpha * average.r / gap}) -%}
    {%- set share.values = share.values + sign * signal.r * average.alpha / gap -%}
{%- endfor -%}
{%- set start = [] -%}
{%- for t in range(signal.first + 1) -%}
    {%- set ns = namespace(weight=0) -%}
    {%- for i in range(signal.first - signal.n + 1, signal.first + 1) -%}
        {%- set ns.weight = ns.weight + (weight_of(t, i, fast) - weight_of(t, i, slow)) / signal.n -%}
    {%- endfor -%}
    {%- for average in [fast, slow] -%}
        {%- set ns.weight = ns.weight - share.line[average.name] * weight_of(t, signal.first, average) -%}
    {%- endfor -%}
    {%- do start.append(number(ns.weight)) -%}
{%- endfor -%}
case
            when {{ count }} > {{ signal.first }}
                then {{ number(share.line[fast.name]) }} * {{ fast.name }}
                    + {{ number(share.line[slow.name]) }} * {{ slow.name }}
                    + {{ number(share.values * signal.alpha) }} * {{ weighted_since(signal.first, values, count, powers) }}
                    + pow({{ number(signal.r) }}, {{ count }} - {{ signal.first + 1 }}) * list_dot_product({{ values }}[:{{ signal.first + 1 }}], [{{ start | join(', ') }}])
        end
{%- endmacro %}

{# What the value at t weighs in an average at i. #}
{% macro weight_of(t, i, average) -%}
    {%- if t > i or t <= average.first - average.n -%} {{ return(0) }}
    {%- elif t > average.first -%} {{ return(average.alpha * average.r ** (i - t)) }}
    {%- else -%} {{ return(average.r ** (i - average.first) / average.n) }}
    {%- endif -%}
{% endmacro %}
