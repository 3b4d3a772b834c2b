{# Bronze holds text as it was sent. These macros give it a type; what does not parse becomes null. #}

{% macro as_text(column) -%}
    {{ return(adapter.dispatch('as_text')(column)) }}
{%- endmacro %}

{% macro default__as_text(column) -%}
    nullif(trim(nfc_normalize({{ column }}), e' \t\r\n'), '')
{%- endmacro %}

{% macro postgres__as_text(column) -%}
    nullif(btrim(normalize({{ column }}, nfc), e' \t\r\n'), '')
{%- endmacro %}

{% macro as_type(column, data_type) -%}
    try_cast({{ as_text(column) }} as {{ data_type }})
{%- endmacro %}

{% macro as_boolean(column) -%}
    {{ as_type(column, 'boolean') }}
{%- endmacro %}

{% macro as_timestamp(column) -%}
    {{ as_type(column, 'timestamp with time zone') }}
{%- endmacro %}

{% macro as_date(column) -%}
    {{ as_type(column, 'date') }}
{%- endmacro %}

{% macro as_integer(column) -%}
    {{ as_type(column, 'bigint') }}
{%- endmacro %}

{% macro as_amount(column) -%}
    {{ as_type(column, 'decimal(18, 2)') }}
{%- endmacro %}
