{# Microseconds since 1970 UTC of an instant or a day, and back. #}
{% macro epoch_us(time) %}epoch_us({{ time }}){% endmacro %}

{% macro instant(us) %}make_timestamptz({{ us }}){% endmacro %}

{% macro utc_day(us) %}cast(make_timestamp({{ us }}) as date){% endmacro %}

{# Where the bar of some length that holds an instant begins; all in microseconds. #}
{% macro open_us(us, length_us) %}{{ us }} // {{ length_us }} * {{ length_us }}{% endmacro %}

{# One row for each step from the first instant to before the last. #}
{% macro steps(from_us, to_us, step_us) %}unnest(range({{ from_us }}, {{ to_us }}, {{ step_us }})){% endmacro %}
