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
{% macro quote_amount(price, volume, price_8, volume_8) %}
        case
            when {{ price_8 }} = {{ price }} and {{ volume_8 }} = {{ volume }}
                then cast({{ price_8 }} * {{ volume_8 }} as decimal(38, 18))
            when cast({{ price }} as decimal(38, 10)) = {{ price }} and cast({{ volume }} as decimal(38, 8)) = {{ volume }}
                then cast({{ price }} as decimal(38, 10)) * cast({{ volume }} as decimal(38, 8))
            else cast(cast({{ price }} as double) * cast({{ volume }} as double) as decimal(38, 18))
        end
{%- endmacro %}
