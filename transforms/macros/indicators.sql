{# What the forms of an indicator share, whatever its parts are made by. #}

{#
  Where a price stands in the band of two deviations around its mean: 0 at the lower edge, 1 at the upper. A flat price has no
  band: what rounding makes of its deviation is less than 1e-14 of it.
#}
{% macro percent_b(price, mean, deviation) -%}
case when {{ deviation }} > 1e-14 * {{ mean }} then ({{ price }} - ({{ mean }} - 2 * {{ deviation }})) / (4 * {{ deviation }}) end
{%- endmacro %}

{#
  Relative strength index of mean gain and mean loss. As TA-Lib, 0 where both are nothing; it takes less than 1e-14 for
  nothing, here that is measured by the price, so that the index does not depend on the unit of prices.
#}
{% macro relative_strength(mean_gain, mean_loss, price) -%}
case
            when {{ mean_gain }} + {{ mean_loss }} >= 1e-14 * {{ price }} then 100 * ({{ mean_gain }} / ({{ mean_gain }} + {{ mean_loss }}))
            when {{ mean_gain }} is not null then 0
        end
{%- endmacro %}

{# How many deviations a price is from its mean; 0 where the price is flat. #}
{% macro deviations(price, mean, deviation) -%}
case when {{ deviation }} > 1e-14 * {{ mean }} then ({{ price }} - {{ mean }}) / ({{ deviation }}) else 0 end
{%- endmacro %}
