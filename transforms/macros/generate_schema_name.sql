{# A model's schema is the one it names, not one made of it and the target's, as dbt would have it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
