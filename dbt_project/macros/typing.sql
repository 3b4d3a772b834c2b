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

{# Exact: no detour through a float, and `1.5E7`, as Salesforce sends some numbers, is a number. Digits beyond the scale are rounded;
   the check `types_fit` warns where a field is described with more of them. #}
{% macro as_decimal(column, precision=18, scale=2) -%}
    {{ as_type(column, 'decimal(' ~ precision ~ ', ' ~ scale ~ ')') }}
{%- endmacro %}

{% macro as_time(column) -%}
    {{ as_type(column, 'time') }}
{%- endmacro %}

{# A multi-select picklist, sent as `a;b`. #}
{% macro as_list(column) -%}
    string_split({{ as_text(column) }}, ';')
{%- endmacro %}

{# A Salesforce id of 18 characters, which compares without regard to case; one of 15 is completed. Null for what is no id.
   The three last characters say which of the first fifteen are upper case: one letter or digit for each five, first bit first. #}
{% macro as_id(column) -%}
    {%- set id = as_text(column) -%}
    case
        when regexp_matches({{ id }}, '^[A-Za-z0-9]{15}$') then {{ id }} || {{ id_checksum(id) }}
        when length({{ id }}) = 18 and right({{ id }}, 3) = {{ id_checksum(id) }} then {{ id }}
    end
{%- endmacro %}

{% macro id_checksum(id) -%}
    {%- set upper_case = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' -%}
    {%- set characters = [] -%}
    {%- for group in range(0, 15, 5) -%}
        {%- set bits = [] -%}
        {%- for place in range(5) -%}
            {%- do bits.append(
                "case when position(substr(" ~ id ~ ", " ~ (group + place + 1) ~ ", 1) in '" ~ upper_case ~ "') > 0 then "
                ~ 2 ** place ~ " else 0 end"
            ) -%}
        {%- endfor -%}
        {%- do characters.append("substr('" ~ upper_case ~ "012345', 1 + " ~ bits | join(' + ') ~ ", 1)") -%}
    {%- endfor -%}
    ({{ characters | join(' || ') }})
{%- endmacro %}
