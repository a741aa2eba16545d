{#
  A decimal(38, 18) with its first eight decimals, as decimal(28, 8), or null where it is too large: in most engines much
  faster than a cast, which divides by 128 bits. It may be wrong by a unit above 10^7: compare it with the original.
#}
{% macro eight_decimals(column) %}cast(try_cast(round(cast({{ column }} as double) * 1e8) as bigint) as decimal(19, 0)) * 0.00000001{% endmacro %}

{#
  price × volume as decimal(38, 18). Exact where a price has at most 10 decimals and a volume at most 8, as those of
  exchanges have; a product of longer ones may need 36 decimals, which no type holds, and is what doubles make of it.
  `price_8` and `volume_8` are the same by eight_decimals: where they are equal to the original, the fast way is exact.
#}
{% macro quote_amount(price, volume, price_8, volume_8) %}{{ return(adapter.dispatch('quote_amount')(price, volume, price_8, volume_8)) }}{% endmacro %}

{% macro default__quote_amount(price, volume, price_8, volume_8) %}
        case
            when {{ price_8 }} = {{ price }} and {{ volume_8 }} = {{ volume }}
                then cast({{ price_8 }} * {{ volume_8 }} as decimal(38, 18))
            when {{ are_short(price, volume) }}
                then cast({{ price }} as decimal(38, 10)) * cast({{ volume }} as decimal(38, 8))
            else {{ product_of_doubles(price, volume) }}
        end
{%- endmacro %}

{% macro spark__quote_amount(price, volume, price_8, volume_8) %}
        case
            when {{ are_short(price, volume) }}
                then {{ product_of_parts(price, volume) }}
            else {{ product_of_doubles(price, volume) }}
        end
{%- endmacro %}

{% macro are_short(price, volume) -%}
cast({{ price }} as decimal(38, 10)) = {{ price }} and cast({{ volume }} as decimal(38, 8)) = {{ volume }}
{%- endmacro %}

{% macro product_of_doubles(price, volume) -%}
cast(cast({{ price }} as double) * cast({{ volume }} as double) as decimal(38, 18))
{%- endmacro %}

{#
  Spark cuts off decimals of a product whose type could need more than 38 digits, and so of a sum: hence products of whole
  numbers and of what is left of them, in types that leave room. For amounts below 10^18.
#}
{% macro product_of_parts(price, volume) -%}
{%- set whole_price = 'cast(' ~ price ~ ' as decimal(20, 0))' -%}
{%- set whole_volume = 'cast(' ~ volume ~ ' as decimal(20, 0))' -%}
{%- set rest_of_price = 'cast(cast(' ~ price ~ ' as decimal(30, 10)) - ' ~ whole_price ~ ' as decimal(10, 10))' -%}
{%- set rest_of_volume = 'cast(cast(' ~ volume ~ ' as decimal(28, 8)) - ' ~ whole_volume ~ ' as decimal(8, 8))' -%}
(cast({{ whole_price }} * {{ whole_volume }} as decimal(36, 18)) + cast({{ whole_price }} * {{ rest_of_volume }} as decimal(36, 18)))
                + (cast({{ rest_of_price }} * {{ whole_volume }} as decimal(36, 18)) + cast({{ rest_of_price }} * {{ rest_of_volume }} as decimal(36, 18)))
{%- endmacro %}
