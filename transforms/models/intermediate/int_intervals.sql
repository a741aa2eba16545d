{% for name, seconds in var('intervals').items() -%}
select '{{ name }}' as "interval", {{ seconds }}000000 as length_us
{% if not loop.last %}union all {% endif %}
{%- endfor %}
