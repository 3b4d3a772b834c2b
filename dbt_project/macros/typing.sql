{# Bronze holds text as it was sent. These macros give it a type; what does not parse becomes null. They take the name of a bronze
   column, which keeps the upper case of its source and is therefore quoted, or an expression. Of a column that gets a type the CTE
   `latest` holds the trimmed text too (`latest_version`): a type mentions it many times, and each mention would be planned anew.

   DuckDB's `try_cast` says what parses. The other engines take more (`today`, `Jan 8 1999`, `on`, 1700000000 as a date), so that
   there a pattern says what may be cast at all. #}

{% macro bronze_column(column) -%}
    {{ return(adapter.dispatch('bronze_column')(column) if modules.re.match('^[A-Za-z0-9_]+$', column) else column) }}
{%- endmacro %}

{% macro default__bronze_column(column) -%}
    {{ return(adapter.quote(column)) }}
{%- endmacro %}

{# A name in lower case is one without quotes, which Snowflake folds to upper case. #}
{% macro snowflake__bronze_column(column) -%}
    {{ return(adapter.quote(column | upper if column == column | lower else column)) }}
{%- endmacro %}


{# Trimmed text in Unicode's composed form (NFC). Snowflake and Redshift cannot compose: there the load does it. #}
{% macro as_text(column) -%}
    {{ return(adapter.dispatch('as_text')(bronze_column(column))) }}
{%- endmacro %}

{# Trimming a set of characters costs DuckDB three times what looking at both ends does, and few values need it. #}
{% macro default__as_text(column) -%}
    nullif(nfc_normalize(
            case when {{ column }}[1] <= ' ' or {{ column }}[-1] <= ' ' then trim({{ column }}, e' \t\r\n') else {{ column }} end
        ), '')
{%- endmacro %}

{% macro postgres__as_text(column) -%}
    nullif(btrim(normalize({{ column }}, nfc), e' \t\r\n'), '')
{%- endmacro %}

{% macro snowflake__as_text(column) -%}
    nullif(ltrim(rtrim({{ column }}, ' \t\r\n'), ' \t\r\n'), '')
{%- endmacro %}

{% macro redshift__as_text(column) -%}
    nullif(btrim({{ column }}, ' ' || chr(9) || chr(13) || chr(10)), '')
{%- endmacro %}


{# The trimmed text of what gets a type: the column that `latest_version` has added, if it has. #}
{% macro trimmed_text(column) -%}
    {{ return(trimmed_column(column) if column in trimmed_columns_of_model() else as_text(column)) }}
{%- endmacro %}

{# A name that no source gives a column. #}
{% macro trimmed_column(column) -%}
    {{ return(adapter.quote(column ~ ' trimmed')) }}
{%- endmacro %}

{# The bronze columns to which a model that starts from `latest_version` gives a type by their names; comments aside. #}
{% macro trimmed_columns_of_model() -%}
    {%- set code = modules.re.sub('(?s)[{]#.*?#[}]|--[^\\n]*', '', model.raw_code) -%}
    {%- set typed = "\\bas_(?:boolean|timestamp|date|time|integer|decimal|id)\\(\\s*['\"](\\w+)['\"]" -%}
    {{ return(modules.re.findall(typed, code) | unique | list if 'latest_version(' in code else []) }}
{%- endmacro %}


{# Patterns of what may be cast, where the engine's own casts take more than DuckDB's. #}
{% macro number_pattern() -%}
    {{ return('^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') }}
{%- endmacro %}

{% macro date_pattern() -%}
    {{ return('^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') }}
{%- endmacro %}

{% macro time_pattern() -%}
    {{ return('[0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?') }}
{%- endmacro %}

{% macro offset_pattern() -%}
    {{ return('(Z|[+-][0-9]{2}(:?[0-9]{2})?)') }}
{%- endmacro %}


{% macro as_boolean(column) -%}
    {{ return(adapter.dispatch('as_boolean')(column)) }}
{%- endmacro %}

{% macro default__as_boolean(column) -%}
    try_cast({{ trimmed_text(column) }} as boolean)
{%- endmacro %}

{% macro postgres__as_boolean(column) -%}
    case
            when lower({{ trimmed_text(column) }}) in ('true', 't', 'yes', 'y', '1') then true
            when lower({{ trimmed_text(column) }}) in ('false', 'f', 'no', 'n', '0') then false
        end
{%- endmacro %}

{% macro snowflake__as_boolean(column) -%}
    {{ postgres__as_boolean(column) }}
{%- endmacro %}


{% macro as_timestamp(column) -%}
    {{ return(adapter.dispatch('as_timestamp')(column)) }}
{%- endmacro %}

{% macro default__as_timestamp(column) -%}
    try_cast({{ trimmed_text(column) }} as timestamp with time zone)
{%- endmacro %}

{# Without an offset the time is in UTC, whatever the session's time zone is. Digits beyond the microsecond are cut off. #}
{% macro postgres__as_timestamp(column) -%}
    {%- set text = trimmed_text(column) -%}
    {%- set to_microsecond = "regexp_replace(" ~ text ~ ", '([.][0-9]{6})[0-9]+', '\\1')" -%}
    case
            when {{ matches(text, date_pattern() ~ '([T ]' ~ time_pattern() ~ ')?$') }}
                and pg_input_is_valid({{ text }}, 'timestamp without time zone')
                then cast({{ to_microsecond }} as timestamp without time zone) at time zone 'UTC'
            when {{ matches(text, date_pattern() ~ '[T ]' ~ time_pattern() ~ offset_pattern() ~ '$') }}
                and pg_input_is_valid({{ text }}, 'timestamp with time zone')
                then cast({{ to_microsecond }} as timestamp with time zone)
        end
{%- endmacro %}

{# One form of date, time and offset for the engine to read: its own guesses are wider and depend on the session. #}
{% macro snowflake__as_timestamp(column) -%}
    {%- set text = trimmed_text(column) -%}
    {%- set to_microsecond = "regexp_replace(" ~ text ~ ", '([.][0-9]{6})[0-9]+', '\\\\1')" -%}
    {%- set with_minutes = "regexp_replace(regexp_replace(regexp_replace(" ~ to_microsecond ~ ", 'Z$', '+00:00'), "
        ~ "'([0-9])([+-][0-9]{2})$', '\\\\1\\\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\\\1:\\\\2')" -%}
    case
            when {{ matches(text, date_pattern() ~ '$') }} then try_cast({{ text }} || ' 00:00:00+00:00' as timestamp with time zone)
            when {{ matches(text, date_pattern() ~ '[T ]' ~ time_pattern() ~ '$') }}
                then try_cast({{ to_microsecond }} || '+00:00' as timestamp with time zone)
            when {{ matches(text, date_pattern() ~ '[T ]' ~ time_pattern() ~ offset_pattern() ~ '$') }}
                then try_cast({{ with_minutes }} as timestamp with time zone)
        end
{%- endmacro %}

{% macro redshift__as_timestamp(column) -%}
    {{ snowflake__as_timestamp(column) }}
{%- endmacro %}


{# A date, also of a date with a time. #}
{% macro as_date(column) -%}
    {{ return(adapter.dispatch('as_date')(column)) }}
{%- endmacro %}

{% macro default__as_date(column) -%}
    try_cast({{ trimmed_text(column) }} as date)
{%- endmacro %}

{% macro postgres__as_date(column) -%}
    {%- set text = trimmed_text(column) -%}
    case
            when {{ matches(text, date_pattern() ~ '([T ]' ~ time_pattern() ~ offset_pattern() ~ '?)?$') }}
                and pg_input_is_valid({{ first_match(text, date_pattern()) }}, 'date')
                then cast({{ first_match(text, date_pattern()) }} as date)
        end
{%- endmacro %}

{% macro snowflake__as_date(column) -%}
    {%- set text = trimmed_text(column) -%}
    case
            when {{ matches(text, date_pattern() ~ '([T ]' ~ time_pattern() ~ offset_pattern() ~ '?)?$') }}
                then try_cast({{ first_match(text, date_pattern()) }} as date)
        end
{%- endmacro %}

{% macro redshift__as_date(column) -%}
    {{ snowflake__as_date(column) }}
{%- endmacro %}


{% macro as_time(column) -%}
    {{ return(adapter.dispatch('as_time')(column)) }}
{%- endmacro %}

{% macro default__as_time(column) -%}
    try_cast({{ trimmed_text(column) }} as time)
{%- endmacro %}

{% macro postgres__as_time(column) -%}
    {%- set text = trimmed_text(column) -%}
    case
            when {{ matches(text, '^' ~ time_pattern() ~ 'Z?$') }} and pg_input_is_valid(rtrim({{ text }}, 'Z'), 'time')
                then cast(rtrim({{ text }}, 'Z') as time)
        end
{%- endmacro %}

{% macro snowflake__as_time(column) -%}
    {%- set text = trimmed_text(column) -%}
    case when {{ matches(text, '^' ~ time_pattern() ~ 'Z?$') }} then try_cast(rtrim({{ text }}, 'Z') as time) end
{%- endmacro %}

{% macro redshift__as_time(column) -%}
    {{ snowflake__as_time(column) }}
{%- endmacro %}


{# A whole number; digits after the point are rounded. #}
{% macro as_integer(column) -%}
    {{ return(adapter.dispatch('as_integer')(column)) }}
{%- endmacro %}

{% macro default__as_integer(column) -%}
    try_cast({{ trimmed_text(column) }} as bigint)
{%- endmacro %}

{% macro postgres__as_integer(column) -%}
    {%- set number = as_decimal(column, 38, 9) -%}
    case
            when round({{ number }}) between -9223372036854775808 and 9223372036854775807
                then cast(round({{ number }}) as bigint)
        end
{%- endmacro %}

{% macro snowflake__as_integer(column) -%}
    {{ postgres__as_integer(column) }}
{%- endmacro %}


{# Exact: no detour through a float, and `1.5E7`, as Salesforce sends some numbers, is a number. Digits beyond the scale are rounded;
   the check `types_fit` warns where a field is described with more of them. #}
{% macro as_decimal(column, precision=18, scale=2) -%}
    {{ return(adapter.dispatch('as_decimal')(column, 'decimal(' ~ precision ~ ', ' ~ scale ~ ')')) }}
{%- endmacro %}

{% macro default__as_decimal(column, data_type) -%}
    try_cast({{ trimmed_text(column) }} as {{ data_type }})
{%- endmacro %}

{% macro postgres__as_decimal(column, data_type) -%}
    {%- set text = trimmed_text(column) -%}
    case
            when {{ matches(text, number_pattern()) }} and pg_input_is_valid({{ text }}, '{{ data_type }}')
                then cast({{ text }} as {{ data_type }})
        end
{%- endmacro %}

{% macro snowflake__as_decimal(column, data_type) -%}
    {%- set text = trimmed_text(column) -%}
    case when {{ matches(text, number_pattern()) }} then try_cast({{ text }} as {{ data_type }}) end
{%- endmacro %}

{% macro redshift__as_decimal(column, data_type) -%}
    {{ snowflake__as_decimal(column, data_type) }}
{%- endmacro %}


{# A multi-select picklist, sent as `a;b`, as the engine's own kind of list. #}
{% macro as_list(column) -%}
    {{ return(adapter.dispatch('as_list')(column)) }}
{%- endmacro %}

{% macro default__as_list(column) -%}
    string_split({{ as_text(column) }}, ';')
{%- endmacro %}

{% macro postgres__as_list(column) -%}
    string_to_array({{ as_text(column) }}, ';')
{%- endmacro %}

{% macro snowflake__as_list(column) -%}
    split({{ as_text(column) }}, ';')
{%- endmacro %}

{% macro redshift__as_list(column) -%}
    split_to_array({{ as_text(column) }}, ';')
{%- endmacro %}


{# A Salesforce id of 18 characters, which compares without regard to case; one of 15 is completed. Null for what is no id.
   The three last characters say which of the first fifteen are upper case: one letter or digit for each five, first bit first. #}
{% macro as_id(column) -%}
    {%- set id = trimmed_text(column) -%}
    case
        when {{ matches(id, '^[A-Za-z0-9]{18}$') }} and right({{ id }}, 3) = {{ id_checksum(id) }} then {{ id }}
        when {{ matches(id, '^[A-Za-z0-9]{15}$') }} then {{ id }} || {{ id_checksum(id) }}
    end
{%- endmacro %}

{# Only of letters and digits. Short in every engine, because the text of each id is planned anew with each run. #}
{% macro id_checksum(id) -%}
    {{ return(adapter.dispatch('id_checksum')(id)) }}
{%- endmacro %}

{# Each five as a number, whose bit of 32 in each byte is not set in upper case alone. These bits are the 5th, 13th, 21st, 29th and 37th;
   2 to the 9th is 1 modulo 511, which makes them the 5th, 4th, 3rd, 2nd and 1st: what the alphabet is counted backwards by. Other text
   has no such number, and what is null may be worked out of it. #}
{% macro default__id_checksum(id) -%}
    (
    {%- for group in range(0, 15, 5) -%}
        {%- set number = "try_cast('0x' || hex(substr(" ~ id ~ ", " ~ (group + 1) ~ ", 5)) as bigint)" -%}
        substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 32 - ((({{ number }} & {{ 0x2020202020 }}) % 511) >> 1), 1)
        {%- if not loop.last %} || {% endif -%}
    {%- endfor -%}
    )
{%- endmacro %}

{# Upper case as 1, everything else as 0, and each five of them looked up in a sequence that has every five once. #}
{% macro postgres__id_checksum(id) -%}
    {%- set upper_case = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' -%}
    {%- set others = upper_case | lower ~ '0123456789' -%}
    {%- set bits = "translate(" ~ id ~ ", '" ~ upper_case ~ others ~ "', '" ~ '1' * 26 ~ '0' * 36 ~ "')" -%}
    {%- set every_five, character = '000001111101110011010110001010010000', 'AQY245PX13OHTZMWLV0NGDRIUKFSJECB' -%}
    (
    {%- for group in range(0, 15, 5) -%}
        substr('{{ character }}', position(substr({{ bits }}, {{ group + 1 }}, 5) in '{{ every_five }}'), 1)
        {%- if not loop.last %} || {% endif -%}
    {%- endfor -%}
    )
{%- endmacro %}

{% macro snowflake__id_checksum(id) -%}
    {{ postgres__id_checksum(id) }}
{%- endmacro %}

{% macro redshift__id_checksum(id) -%}
    {{ postgres__id_checksum(id) }}
{%- endmacro %}
