{#
  Exponential moving averages, exact and linear, in plain window functions: no recursion, so that every engine can.

  An average of n values that is first known at bar f is their mean there, and then e(i) = r e(i - 1) + (1 - r) x(i). That
  is a weighted sum of all values so far, x(t) having the weight (1 - r) r^(i - t) after f, and r^(i - f) / n up to it.
  A running sum of x(t) r^(-t), times r^i, would be it, were it not for powers that no double holds; so the bars of
  a stretch are cut into blocks, summed one by one, and what a block ends with is carried into the next:

      e(i) = (sum within the block) + r^(k + 1) * carry,                            k = number in the block
      carry = end(1) + r^B * end(2) + r^2B * end(3) + r^3B * end(4)                 end(j) = what the jth block before ends with

  Blocks are so long that what is left out after four weighs less than 1e-16.
#}

{# Exponential moving average of a column over n bars, first known at bar `first`, by default as soon as there are n. #}
{% macro ema(column, n, first=none, name=none) %}
    {{ return(average(name or 'ema_' ~ n, column, n, 2 / (n + 1), first)) }}
{% endmacro %}

{# Wilder's smoothing: as ema, but slower. #}
{% macro wilder(column, n, first=none, name=none) %}
    {{ return(average(name or 'wilder_' ~ n, column, n, 1 / n, first)) }}
{% endmacro %}

{#
  Wilder's sum of n values, divided by n: s(i) = s(i - 1) - s(i - 1) / n + x(i), which begins as the sum of the n - 1 values
  after the first bar.
#}
{% macro wilder_sum(column, n, name) %}
    {%- set begun = average(name, column, n, 1 / n, n - 1) -%}
    {%- do begun.update({'seeds': n - 1}) -%}
    {{ return(begun) }}
{% endmacro %}

{# `seeds` values up to bar `first`, each weighing 1 / n there, are what an average begins with. #}
{% macro average(name, column, n, alpha, first) %}
    {%- set known = first if first is not none else n - 1 -%}
    {{ return({
        'name': name, 'column': column, 'n': n, 'alpha': alpha, 'r': 1 - alpha, 'first': known, 'seeds': n
    }) }}
{% endmacro %}

{# Length of blocks that suits all of some averages. #}
{% macro block_length(averages) %}
    {%- set ns = namespace(length=128) -%}
    {%- for average in averages -%}
        {%- for _ in range(8) if average.first >= ns.length or average.r ** (4 * ns.length) > 1e-16 -%}
            {%- set ns.length = ns.length * 2 -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(ns.length) }}
{% endmacro %}

{#
  Common table expressions, the last of them `as_name`: the rows of the relation `from_name`, which has i and the columns of
  a stretch, with each of the averages.
#}
{% macro exponential_averages(as_name, from_name, averages) %}
{%- set length = block_length(averages) -%}
{{ as_name }}_in_blocks as (

    select
        *,
        i - i % {{ length }} as {{ as_name }}_block
        {%- for average in averages %},
        {{ sum_in_block(average, length, as_name) }} as {{ average.name }}_in_block
        {%- endfor %}
    from {{ from_name }}

),

{{ as_name }}_block_ends as (

    select
        {{ stretch() }},
        {{ as_name }}_block
        {%- for average in averages %},
        max_by({{ average.name }}_in_block, i) as {{ average.name }}_end
        {%- endfor %}
    from {{ as_name }}_in_blocks
    group by {{ stretch() }}, {{ as_name }}_block

),

{{ as_name }}_carries as (

    select
        {{ stretch() }},
        {{ as_name }}_block
        {%- for average in averages %},
        {% for j in range(4) -%}
        {% if j > 0 %} + {{ number(average.r ** (length * j)) }} * {% endif -%}
        coalesce(lag({{ average.name }}_end, {{ j + 1 }}) over blocks, 0)
        {%- endfor %} as {{ average.name }}_carry
        {%- endfor %}
    from {{ as_name }}_block_ends
    window blocks as (partition by {{ stretch() }} order by {{ as_name }}_block)

),

{{ as_name }} as (

    select
        {{ as_name }}_in_blocks.*
        {%- for average in averages %},
        case
            when i >= {{ average.first }}
                then {{ average.name }}_in_block + pow({{ number(average.r) }}, i % {{ length }} + 1) * {{ average.name }}_carry
        end as {{ average.name }}
        {%- endfor %}
    from {{ as_name }}_in_blocks
    inner join {{ as_name }}_carries
        using ({{ stretch() }}, {{ as_name }}_block)

)
{%- endmacro %}

{# The seed lies in the first block, where i is the number in the block. #}
{% macro sum_in_block(average, length, as_name) -%}
pow({{ number(average.r) }}, i % {{ length }}) * sum(
            {{ average.column }} * case
                when i > {{ average.first }} then {{ number(average.alpha) }} * pow({{ number(average.r) }}, -(i % {{ length }}))
                when i > {{ average.first - average.seeds }} then {{ number(average.r ** (-average.first) / average.n) }}
            end
        ) over (partition by {{ stretch() }}, i - i % {{ length }} order by i rows unbounded preceding)
{%- endmacro %}
