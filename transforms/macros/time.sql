{# Microseconds since 1970 UTC of an instant or a day, and back. #}
{% macro epoch_us(time) %}{{ return(adapter.dispatch('epoch_us')(time)) }}{% endmacro %}
{% macro default__epoch_us(time) %}epoch_us({{ time }}){% endmacro %}
{% macro spark__epoch_us(time) %}unix_micros(cast({{ time }} as timestamp)){% endmacro %}

{% macro instant(us) %}{{ return(adapter.dispatch('instant')(us)) }}{% endmacro %}
{% macro default__instant(us) %}make_timestamptz({{ us }}){% endmacro %}
{% macro spark__instant(us) %}timestamp_micros({{ us }}){% endmacro %}

{% macro utc_day(us) %}{{ return(adapter.dispatch('utc_day')(us)) }}{% endmacro %}
{% macro default__utc_day(us) %}cast(make_timestamp({{ us }}) as date){% endmacro %}
{% macro spark__utc_day(us) %}cast(timestamp_micros({{ us }}) as date){% endmacro %}

{# Where the bar of some length that holds an instant begins; all in microseconds. #}
{% macro open_us(us, length_us) %}{{ return(adapter.dispatch('open_us')(us, length_us)) }}{% endmacro %}
{% macro default__open_us(us, length_us) %}{{ us }} // {{ length_us }} * {{ length_us }}{% endmacro %}
{% macro spark__open_us(us, length_us) %}{{ us }} div {{ length_us }} * {{ length_us }}{% endmacro %}

{# One row for each step from the first instant to before the last. Spark's sequences have an end that is not before their start. #}
{% macro steps(from_us, to_us, step_us) %}{{ return(adapter.dispatch('steps')(from_us, to_us, step_us)) }}{% endmacro %}
{% macro default__steps(from_us, to_us, step_us) %}unnest(range({{ from_us }}, {{ to_us }}, {{ step_us }})){% endmacro %}
{% macro spark__steps(from_us, to_us, step_us) %}explode(case when {{ from_us }} < {{ to_us }} then sequence({{ from_us }}, {{ to_us }} - 1, {{ step_us }}) end){% endmacro %}
