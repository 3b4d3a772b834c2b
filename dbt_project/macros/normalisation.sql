{# Forms of values that compare equal when they mean the same. For matching only: golden values stay as people typed them. #}

{# Lower case, without accents, words separated by one space: `Müller-Weiß, Jr.` -> `muller weiss jr`. #}
{% macro folded(column) -%}
    {{ return(adapter.dispatch('folded')(column)) }}
{%- endmacro %}

{% macro default__folded(column) -%}
    nullif(trim(regexp_replace(replace(replace(replace(replace(replace(
        strip_accents(lower({{ column }})), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''), '[^\p{L}\p{N}]+', ' ', 'g')), '')
{%- endmacro %}

{# Decomposed, without the marks (of Latin, Greek, Cyrillic, Hebrew and Arabic), composed again. #}
{% macro postgres__folded(column) -%}
    nullif(trim(regexp_replace(replace(replace(replace(replace(replace(
        normalize(regexp_replace(
            normalize(lower({{ column }}), nfd), '[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+', '', 'g'
        ), nfc), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''), '[^[:alnum:]]+', ' ', 'g')), '')
{%- endmacro %}

{% macro snowflake__folded(column) -%}
    {%- set separators = separators() ~ '\t\n\r' -%}
    nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower({{ column }}), '{{ accented_letters() }}', '{{ plain_letters() }}'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        {{ text_literal(separators) }}, '{{ ' ' * (separators | length) }}'), ' +', ' ')), '')
{%- endmacro %}

{% macro redshift__folded(column) -%}
    {{ snowflake__folded(column) }}
{%- endmacro %}


{# Upper-case letters and digits only: postal codes, tax and account numbers. #}
{% macro alphanumeric(column) -%}
    nullif({{ replace_all('upper(' ~ column ~ ')', '[^A-Z0-9]+', '') }}, '')
{%- endmacro %}


{# A postal code; of a US ZIP+4 the five digits. #}
{% macro normalized_postal_code(column) -%}
    case
        when {{ matches(column, '^[0-9]{5}-[0-9]{4}$') }} then left({{ column }}, 5)
        else {{ alphanumeric(column) }}
    end
{%- endmacro %}


{# Lower case without +tag; null when it is no address or a placeholder such as noemail@. #}
{% macro normalized_email(column) -%}
    case
        when {{ matches(column, '^' ~ no_space('@') ~ '+@' ~ no_space('@') ~ '+[.]' ~ no_space('@') ~ '+$') }}
            and not {{ mailbox_is_one_of(column, ['noemail', 'nomail', 'none', 'no', 'na', 'null', 'unknown', 'nobody', 'noreply', 'donotreply']) }}
        then lower({{ replace_all(column, '[+][^@]*@', '@') }})
    end
{%- endmacro %}


{# True for a mailbox that a role answers, not a person: it identifies nobody. #}
{% macro is_role_mailbox(column) -%}
    coalesce({{ mailbox_is_one_of(column, [
        'info', 'contact', 'office', 'mail', 'hello', 'team', 'admin', 'administrator', 'sales', 'support', 'service', 'help', 'helpdesk',
        'billing', 'accounts', 'accounting', 'accountspayable', 'invoice', 'invoices', 'finance', 'orders', 'purchasing', 'procurement',
        'marketing', 'press', 'hr', 'jobs', 'careers', 'legal', 'privacy', 'security', 'webmaster', 'postmaster', 'hostmaster', 'reception',
        'enquiries', 'inquiries', 'kontakt', 'vertrieb', 'buchhaltung', 'einkauf',
    ]) }}, false)
{%- endmacro %}

{% macro mailbox_is_one_of(column, names) -%}
    translate(split_part(split_part(lower({{ column }}), '@', 1), '+', 1), '._-', '') in ('{{ names | join("', '") }}')
{%- endmacro %}


{# Digits without extension, with + and country code where it is known; ten digits are read as a number of the North American plan.
   Null for fewer than seven digits and for placeholders (one digit repeated). #}
{% macro normalized_phone(column) -%}
    {%- set bare = "replace(" ~ replace_all("lower(" ~ column ~ ")", '(ext|x|#|;|durchwahl)[^\n]*$', '') ~ ", '(0)', '')" -%}
    {%- set international = matches(bare, '^' ~ space() ~ '*([+]|00)') -%}
    {%- set digits = replace_all(replace_all(bare, '[^0-9]+', ''), '^00', '') -%}
    {%- set subscriber = replace_all(digits, '^1', '') -%}
    case
        when length({{ digits }}) < 7 or replace({{ subscriber }}, left({{ subscriber }}, 1), '') = '' then null
        when {{ international }} then '+' || {{ digits }}
        when {{ matches(digits, '^1?[2-9][0-9]{9}$') }} then '+1' || {{ subscriber }}
        else {{ digits }}
    end
{%- endmacro %}


{# Patterns of one character: white space in ASCII, and neither that nor one of these. #}
{% macro space() -%}
    {{ return('[ \t\n\f\r]') }}
{%- endmacro %}

{% macro no_space(characters) -%}
    {{ return('[^' ~ characters ~ ' \t\n\f\r]') }}
{%- endmacro %}


{# The folded street with the usual words for street shortened. Every word has spaces of its own around it while words are replaced. #}
{% macro normalized_street(column) -%}
    {%- set words = {
        'strasse ': 'str ', ' street ': ' st ', ' avenue ': ' ave ', ' road ': ' rd ', ' boulevard ': ' blvd ',
        ' drive ': ' dr ', ' lane ': ' ln ', ' court ': ' ct ', ' suite ': ' ste ', ' apartment ': ' apt ',
    } -%}
    {%- set street = namespace(sql="replace(' ' || " ~ folded(column) ~ " || ' ', ' ', '  ')") -%}
    {%- for word, short in words.items() -%}
        {%- set street.sql = "replace(" ~ street.sql ~ ", '" ~ word ~ "', '" ~ short ~ "')" -%}
    {%- endfor -%}
    trim(replace({{ street.sql }}, '  ', ' '))
{%- endmacro %}


{# Jr, Sr or a number after a folded last name, in one spelling; null when there is none. #}
{% macro name_suffix(folded_last_name) -%}
    replace(replace(ltrim({{ first_match(folded_last_name, ' (jr|sr|junior|senior|ii|iii|iv)$') }}), 'junior', 'jr'), 'senior', 'sr')
{%- endmacro %}

{% macro without_name_suffix(folded_last_name) -%}
    {{ replace_all(folded_last_name, ' (jr|sr|junior|senior|ii|iii|iv)$', '') }}
{%- endmacro %}


{# How many letters of a folded company name are the legal form it ends with, and the space before it: (name, ending_length), one row
   per name that has one. Join it by the name. #}
{% macro legal_form_endings(relation, column) -%}
    select folded_name.name, max(length(legal_form.legal_form) + 1) as ending_length
    from (select distinct {{ column }} as name from {{ relation }}) as folded_name
    inner join {{ ref('legal_form') }} as legal_form
        on folded_name.name like '% ' || legal_form.legal_form
    group by folded_name.name
{%- endmacro %}

{# A folded company name without the legal form it ends with (`acme gmbh co kg` -> `acme`). #}
{% macro without_ending(folded_name, ending_length) -%}
    left({{ folded_name }}, length({{ folded_name }}) - coalesce({{ ending_length }}, 0))
{%- endmacro %}


{# `https://www.Acme.com/about` -> `acme.com`. #}
{% macro website_domain(column) -%}
    {%- set address = replace_all(replace_all('lower(' ~ column ~ ')', '^[a-z]+://', ''), '^www[.]', '') -%}
    {{ first_match(address, '^' ~ no_space('/:?#') ~ '+') }}
{%- endmacro %}


{# The name of one row of one object in one instance, unique over all systems. #}
{% macro record_key(object_name, instance, record_id) -%}
    '{{ object_name }}/' || {{ instance }} || '/' || {{ record_id }}
{%- endmacro %}
