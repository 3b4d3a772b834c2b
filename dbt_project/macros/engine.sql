{# What the four engines write differently. A model says these macros instead of an engine's own function; DuckDB's form is the
   default, because it is the embedded engine. Patterns are regular expressions in the part that all engines share: no `\d`, `\w`,
   `\s`, `\b`, no groups that are read back, no look-around. #}

{# Text of any length: a bare `varchar` holds 256 bytes in Redshift. #}
{% macro text_type() -%}
    {{ return(adapter.dispatch('text_type')()) }}
{%- endmacro %}

{% macro default__text_type() -%}
    varchar
{%- endmacro %}

{% macro redshift__text_type() -%}
    varchar(65535)
{%- endmacro %}


{# A regular expression as a literal: Snowflake and Redshift read backslashes in literals, so that they get two. #}
{% macro pattern(expression) -%}
    {{ return(adapter.dispatch('pattern')(expression)) }}
{%- endmacro %}

{% macro default__pattern(expression) -%}
    '{{ expression | replace("'", "''") }}'
{%- endmacro %}

{% macro snowflake__pattern(expression) -%}
    '{{ expression | replace("'", "''") | replace("\\", "\\\\") }}'
{%- endmacro %}

{% macro redshift__pattern(expression) -%}
    '{{ expression | replace("'", "''") | replace("\\", "\\\\") }}'
{%- endmacro %}


{# A text as a literal, with whatever characters it has. #}
{% macro text_literal(text) -%}
    {{ pattern(text) }}
{%- endmacro %}


{# Whether a pattern is found anywhere in a text. #}
{% macro matches(text, expression) -%}
    {{ return(adapter.dispatch('matches')(text, expression)) }}
{%- endmacro %}

{% macro default__matches(text, expression) -%}
    regexp_matches({{ text }}, {{ pattern(expression) }})
{%- endmacro %}

{% macro postgres__matches(text, expression) -%}
    ({{ text }} ~ {{ pattern(expression) }})
{%- endmacro %}

{% macro snowflake__matches(text, expression) -%}
    (regexp_count({{ text }}, {{ pattern(expression) }}) > 0)
{%- endmacro %}

{% macro redshift__matches(text, expression) -%}
    (regexp_count({{ text }}, {{ pattern(expression) }}) > 0)
{%- endmacro %}


{# A text with every match of a pattern replaced. #}
{% macro replace_all(text, expression, replacement) -%}
    {{ return(adapter.dispatch('replace_all')(text, expression, replacement)) }}
{%- endmacro %}

{% macro default__replace_all(text, expression, replacement) -%}
    regexp_replace({{ text }}, {{ pattern(expression) }}, '{{ replacement }}', 'g')
{%- endmacro %}

{% macro snowflake__replace_all(text, expression, replacement) -%}
    regexp_replace({{ text }}, {{ pattern(expression) }}, '{{ replacement }}')
{%- endmacro %}

{% macro redshift__replace_all(text, expression, replacement) -%}
    regexp_replace({{ text }}, {{ pattern(expression) }}, '{{ replacement }}')
{%- endmacro %}


{# The first match of a pattern; null where there is none. #}
{% macro first_match(text, expression) -%}
    {{ return(adapter.dispatch('first_match')(text, expression)) }}
{%- endmacro %}

{% macro default__first_match(text, expression) -%}
    nullif(regexp_extract({{ text }}, {{ pattern(expression) }}), '')
{%- endmacro %}

{% macro postgres__first_match(text, expression) -%}
    regexp_substr({{ text }}, {{ pattern(expression) }})
{%- endmacro %}

{% macro snowflake__first_match(text, expression) -%}
    nullif(regexp_substr({{ text }}, {{ pattern(expression) }}), '')
{%- endmacro %}

{% macro redshift__first_match(text, expression) -%}
    nullif(regexp_substr({{ text }}, {{ pattern(expression) }}), '')
{%- endmacro %}


{# Whether two values differ, where null is a value like any other. #}
{% macro is_different(left, right) -%}
    {{ return(adapter.dispatch('is_different')(left, right)) }}
{%- endmacro %}

{% macro default__is_different(left, right) -%}
    {{ left }} is distinct from {{ right }}
{%- endmacro %}

{% macro redshift__is_different(left, right) -%}
    coalesce({{ left }} <> {{ right }}, ({{ left }} is null) <> ({{ right }} is null))
{%- endmacro %}


{# Text in the order of its bytes: the order of a PostgreSQL database depends on its locale, and winners must not. #}
{% macro in_byte_order(text) -%}
    {{ return(adapter.dispatch('in_byte_order')(text)) }}
{%- endmacro %}

{% macro default__in_byte_order(text) -%}
    {{ text }}
{%- endmacro %}

{% macro postgres__in_byte_order(text) -%}
    {{ text }} collate "C"
{%- endmacro %}

{% macro redshift__in_byte_order(text) -%}
    {{ text }}
{%- endmacro %}


{# The median of a group, halfway between the middle two. #}
{% macro median(expression) -%}
    {{ return(adapter.dispatch('median')(expression)) }}
{%- endmacro %}

{% macro default__median(expression) -%}
    median({{ expression }})
{%- endmacro %}

{% macro postgres__median(expression) -%}
    percentile_cont(0.5) within group (order by {{ expression }})
{%- endmacro %}

{% macro redshift__median(expression) -%}
    median({{ expression }})
{%- endmacro %}


{# A time without zone as clocks in UTC show it, to cut days and months from. #}
{% macro in_utc(timestamp) -%}
    {{ return(adapter.dispatch('in_utc')(timestamp)) }}
{%- endmacro %}

{% macro default__in_utc(timestamp) -%}
    ({{ timestamp }} at time zone 'UTC')
{%- endmacro %}

{% macro snowflake__in_utc(timestamp) -%}
    cast(convert_timezone('UTC', {{ timestamp }}) as timestamp_ntz)
{%- endmacro %}
