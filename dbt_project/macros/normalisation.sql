{# Forms of values that compare equal when they mean the same. For matching only: golden values stay as people typed them. #}

{# Lower case, without accents, words separated by one space: `Müller-Weiß, Jr.` -> `muller weiss jr`. #}
{% macro folded(column) -%}
    {{ return(adapter.dispatch('folded')(column)) }}
{%- endmacro %}

{% macro default__folded(column) -%}
    nullif(trim(regexp_replace(replace(replace(replace(replace(replace(
        strip_accents(lower({{ column }})), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''), '[^\p{L}\p{N}]+', ' ', 'g')), '')
{%- endmacro %}


{# Upper-case letters and digits only: postal codes, tax and account numbers. #}
{% macro alphanumeric(column) -%}
    nullif(regexp_replace(upper({{ column }}), '[^A-Z0-9]+', '', 'g'), '')
{%- endmacro %}


{# A postal code; of a US ZIP+4 the five digits. #}
{% macro normalized_postal_code(column) -%}
    case
        when regexp_matches({{ column }}, '^\d{5}-\d{4}$') then left({{ column }}, 5)
        else {{ alphanumeric(column) }}
    end
{%- endmacro %}


{# Lower case without +tag; null when it is no address or a placeholder such as noemail@. #}
{% macro normalized_email(column) -%}
    case
        when regexp_matches({{ column }}, '^[^@\s]+@[^@\s]+\.[^@\s]+$')
            and not {{ mailbox_is_one_of(column, ['noemail', 'nomail', 'none', 'no', 'na', 'null', 'unknown', 'nobody', 'noreply', 'donotreply']) }}
        then lower(regexp_replace({{ column }}, '\+[^@]*@', '@'))
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
    regexp_replace(split_part(split_part(lower({{ column }}), '@', 1), '+', 1), '[._-]', '', 'g') in ('{{ names | join("', '") }}')
{%- endmacro %}


{# Digits without extension, with + and country code where it is known; ten digits are read as a number of the North American plan.
   Null for fewer than seven digits and for placeholders (one digit repeated). #}
{% macro normalized_phone(column) -%}
    {%- set bare = "regexp_replace(regexp_replace(lower(" ~ column ~ "), '(ext|x|#|;|durchwahl).*$', ''), '\\(0\\)', '')" -%}
    {%- set international = "regexp_matches(" ~ bare ~ ", '^\\s*(\\+|00)')" -%}
    {%- set digits = "regexp_replace(regexp_replace(" ~ bare ~ ", '\\D+', '', 'g'), '^(00)', '')" -%}
    {%- set subscriber = "regexp_replace(" ~ digits ~ ", '^1', '')" -%}
    case
        when length({{ digits }}) < 7 or replace({{ subscriber }}, left({{ subscriber }}, 1), '') = '' then null
        when {{ international }} then '+' || {{ digits }}
        when regexp_matches({{ digits }}, '^1?[2-9]\d{9}$') then '+1' || {{ subscriber }}
        else {{ digits }}
    end
{%- endmacro %}


{# The folded street with the usual words for street shortened. #}
{% macro normalized_street(column) -%}
    {%- set words = {
        'strasse\\b': 'str', '\\bstreet\\b': 'st', '\\bavenue\\b': 'ave', '\\broad\\b': 'rd', '\\bboulevard\\b': 'blvd',
        '\\bdrive\\b': 'dr', '\\blane\\b': 'ln', '\\bcourt\\b': 'ct', '\\bsuite\\b': 'ste', '\\bapartment\\b': 'apt',
    } -%}
    {%- set street = namespace(sql=folded(column)) -%}
    {%- for word, short in words.items() -%}
        {%- set street.sql = "regexp_replace(" ~ street.sql ~ ", '" ~ word ~ "', '" ~ short ~ "', 'g')" -%}
    {%- endfor -%}
    {{ street.sql }}
{%- endmacro %}


{# Jr, Sr or a number after a folded last name, in one spelling; null when there is none. #}
{% macro name_suffix(folded_last_name) -%}
    replace(replace(nullif(regexp_extract({{ folded_last_name }}, ' (jr|sr|junior|senior|ii|iii|iv)$', 1), ''), 'junior', 'jr'), 'senior', 'sr')
{%- endmacro %}

{% macro without_name_suffix(folded_last_name) -%}
    regexp_replace({{ folded_last_name }}, ' (jr|sr|junior|senior|ii|iii|iv)$', '')
{%- endmacro %}


{# A folded company name without the legal form it ends with (`acme gmbh co kg` -> `acme`); the column must be folded already. #}
{% macro without_legal_form(folded_name) -%}
    left({{ folded_name }}, length({{ folded_name }}) - coalesce((
            select max(length(legal_form.legal_form) + 1)
            from {{ ref('legal_form') }} as legal_form
            where {{ folded_name }} like '% ' || legal_form.legal_form
        ), 0))
{%- endmacro %}


{# `https://www.Acme.com/about` -> `acme.com`. #}
{% macro website_domain(column) -%}
    nullif(regexp_extract(lower({{ column }}), '^(?:[a-z]+://)?(?:www\.)?([^/:?#\s]+)', 1), '')
{%- endmacro %}


{# The name of one row of one object in one instance, unique over all systems. #}
{% macro record_key(object_name, instance, record_id) -%}
    '{{ object_name }}/' || {{ instance }} || '/' || {{ record_id }}
{%- endmacro %}
