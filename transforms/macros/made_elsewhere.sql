{#
  Tables that another engine has made, as Parquet in the folder that the variable `marts_made_in` names, are taken from there.
  Contracts and tests hold for them as for those made here.
#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) %}
    {%- set folder = var('marts_made_in', none) -%}
    {%- set sql = compiled_code -%}
    {%- if folder is not none and model.resource_type == 'model' -%}
        {%- set sql = "select * from read_parquet('" ~ folder ~ '/' ~ model.schema ~ '.' ~ model.name ~ "/*.parquet')" -%}
    {%- endif -%}
    {{ return(dbt.duckdb__create_table_as(temporary, relation, sql, language, partitioned_by, sorted_by)) }}
{% endmacro %}
