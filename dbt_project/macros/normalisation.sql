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
    {%- set line_ends = 'chr(9) || chr(10) || chr(13)' -%}
    nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower({{ column }}), '{{ accented_letters() }}', '{{ plain_letters() }}'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        {{ text_literal(separators()) }} || {{ line_ends }}, '{{ ' ' * (3 + separators() | length) }}'), ' +', ' ')), '')
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


{# What libraries said about values that are not regular: raw, hint, normalized (null: refused, by the rule). Python asks them before dbt
   runs, once per distinct value. #}
{% macro library_answers(kind) -%}
    select raw, hint, normalized, rule from {{ pipeline_relation('normalized_value') }} where kind = '{{ kind }}'
{%- endmacro %}

{# The answer where there is one, and otherwise the form that SQL gives. #}
{% macro answered(answer, form) -%}
    case when {{ answer }}.raw is null then {{ form }} else {{ answer }}.normalized end
{%- endmacro %}


{# One entry for `rejected_value`, where a field has a value and no normalised form: the library's rule, or SQL's for a value that has
   no form or whose form is a placeholder. #}
{% macro rejected_entry(field, normalized, rule, form, rule_without_form, placeholder_rule) -%}
    case
            when {{ field }} is not null and {{ normalized }} is null
            then '{{ field.split('.')[-1] }}|' || coalesce({{ rule }}, case when {{ form }} is null then '{{ rule_without_form }}' else '{{ placeholder_rule }}' end)
                || '|text(' || cast(length({{ field }}) as {{ text_type() }}) || ');'
            else ''
        end
{%- endmacro %}


{# Lower case without +tag; null when it is no address. #}
{% macro normalized_email(column) -%}
    case
        when {{ matches(column, '^' ~ no_space('@') ~ '+@' ~ no_space('@') ~ '+[.]' ~ no_space('@') ~ '+$') }}
        then lower({{ replace_all(column, '[+][^@]*@', '@') }})
    end
{%- endmacro %}


{# True for a mailbox that stands for none, such as noemail@. #}
{% macro is_placeholder_mailbox(column) -%}
    coalesce({{ mailbox_is_one_of(column, [
        'noemail', 'nomail', 'none', 'no', 'na', 'null', 'unknown', 'nobody', 'noreply', 'donotreply',
    ]) }}, false)
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

{# One search in one text: comparing with forty names in turn takes ten times as long. #}
{% macro mailbox_is_one_of(column, names) -%}
    position('|' || translate(split_part(split_part(lower({{ column }}), '@', 1), '+', 1), '._-', '') || '|' in '|{{ names | join('|') }}|') > 0
{%- endmacro %}


{# Digits without extension, with + and country code where it is known; ten digits are read as a number of the North American plan.
   Null for fewer than seven digits. #}
{% macro normalized_phone(column) -%}
    {%- set bare = "replace(" ~ replace_all("lower(" ~ column ~ ")", '(ext|x|#|;|durchwahl)[^\\n]*$', '') ~ ", '(0)', '')" -%}
    {%- set international = matches(bare, '^' ~ space() ~ '*([+]|00)') -%}
    {%- set digits = replace_all(replace_all(bare, '[^0-9]+', ''), '^00', '') -%}
    case
        when length({{ digits }}) < 7 then null
        when {{ international }} then '+' || {{ digits }}
        when {{ matches(digits, '^1?[2-9][0-9]{9}$') }} then '+1' || right({{ digits }}, 10)
        else {{ digits }}
    end
{%- endmacro %}


{# True for a normalised number that stands for none: one digit repeated, or counted up or down. #}
{% macro is_placeholder_phone(column) -%}
    coalesce(
        replace(right({{ column }}, 8), right({{ column }}, 1), '') = ''
        or right({{ column }}, 10) in ('1234567890', '0123456789', '9876543210'),
        false
    )
{%- endmacro %}


{# The digits of an extension, kept apart from the number. #}
{% macro phone_extension(column) -%}
    {{ first_match(first_match('lower(' ~ column ~ ')', '(ext|x|#|durchwahl|dw)[.:= ]*[0-9]+$'), '[0-9]+$') }}
{%- endmacro %}


{# Patterns of one character: white space in ASCII, and neither that nor one of these. #}
{% macro space() -%}
    {{ return('[ \\t\\n\\f\\r]') }}
{%- endmacro %}

{% macro no_space(characters) -%}
    {{ return('[^' ~ characters ~ ' \\t\\n\\f\\r]') }}
{%- endmacro %}


{# The folded street without who it is care of, without floor, suite and the like at the end, and with the usual words of several
   languages shortened; of a post office box `pobox` and its number. Every word has spaces of its own around it while words are
   replaced. #}
{% macro normalized_street(column) -%}
    {%- set words = {
        'strasse ': 'str ', 'straat ': 'str ', 'platz ': 'pl ', ' ulica ': ' ', ' ul ': ' ', ' aleja ': ' al ', ' aleje ': ' al ',
        ' street ': ' st ', ' saint ': ' st ', ' sankt ': ' st ', ' avenue ': ' ave ', ' av ': ' ave ', ' avenida ': ' ave ', ' avda ': ' ave ',
        ' road ': ' rd ', ' boulevard ': ' blvd ', ' bd ': ' blvd ', ' drive ': ' dr ', ' lane ': ' ln ', ' court ': ' ct ', ' place ': ' pl ',
        ' square ': ' sq ', ' highway ': ' hwy ', ' parkway ': ' pkwy ', ' terrace ': ' ter ', ' circle ': ' cir ', ' chemin ': ' ch ',
        ' calle ': ' c ', ' viale ': ' vle ', ' piazza ': ' pza ', ' plaza ': ' pza ', ' rua ': ' r ',
        ' north ': ' n ', ' south ': ' s ', ' east ': ' e ', ' west ': ' w ',
    } -%}
    {%- set units = 'suite|ste|apartment|apt|unit|floor|fl|building|bldg|room|rm|level|top|wohnung|whg|appartement|appt|batiment|bat|piso|porta|lok|lgh' -%}
    {%- set floors = ' [0-9]+(st|nd|rd|th|e|er|eme)? (floor|og|stock|etage|piso)' -%}
    {%- set boxes = '(p o box|po box|post office box|postfach|boite postale|bp|apartado|casella postale|postbus|caixa postal|skr poczt)' -%}
    {%- set line = folded(replace_all(column, '^[cC]/[oO][^\n]*\n', '')) -%}
    {%- set street = namespace(sql="replace(' ' || " ~ replace_all(line, '( (' ~ units ~ ') [a-z0-9]+|' ~ floors ~ ')+$', '') ~ " || ' ', ' ', '  ')") -%}
    {%- for word, short in words.items() -%}
        {%- set street.sql = "replace(" ~ street.sql ~ ", '" ~ word ~ "', '" ~ short ~ "')" -%}
    {%- endfor -%}
    coalesce(
        'pobox' || {{ first_match(first_match(line, '^' ~ boxes ~ ' [0-9]+'), ' [0-9]+$') }},
        trim(replace({{ street.sql }}, '  ', ' '))
    )
{%- endmacro %}


{# The codes of the countries and states that records name: country and state as they have them (state '' for none), country_code,
   state_code; one row per pair that names a known country. Join it by both. #}
{% macro place_codes(relation) -%}
    select place.country, place.state, country.country_code, state.state_code
    from (select distinct country, coalesce(state, '') as state from {{ relation }}) as place
    inner join {{ ref('country') }} as country
        on country.country = {{ folded('place.country') }}
    left join {{ ref('state') }} as state
        on state.country_code = country.country_code
        and state.state = {{ folded('place.state') }}
{%- endmacro %}


{# An address as one unit: street, postal code and country; null without the first two. #}
{% macro address_key(street_normalized, postal_code_normalized, country_code) -%}
    {{ street_normalized }} || '|' || {{ postal_code_normalized }} || '|' || coalesce({{ country_code }}, '')
{%- endmacro %}


{# A folded given name without titles before it and without an initial after it. #}
{% macro bare_given_name(folded_name) -%}
    {{ replace_all(folded_name, '^((dr|prof|professor|mr|mrs|ms|miss|mx|herr|frau|sir|dame|mme|mlle|dott|dhr|mevr|rev|ing) )+| [a-z]$', '') }}
{%- endmacro %}


{# A folded family name without degrees after it. #}
{% macro without_degree(folded_name) -%}
    {{ replace_all(folded_name, '( (phd|ph d|md|m d|dds|mba|cpa|esq|jd|msc|bsc))+$', '') }}
{%- endmacro %}


{# Jr, Sr or a number after a folded last name, in one spelling; null when there is none. #}
{% macro name_suffix(folded_last_name) -%}
    replace(replace(ltrim({{ first_match(folded_last_name, ' (jr|sr|junior|senior|ii|iii|iv)$') }}), 'junior', 'jr'), 'senior', 'sr')
{%- endmacro %}

{% macro without_name_suffix(folded_last_name) -%}
    {{ replace_all(folded_last_name, ' (jr|sr|junior|senior|ii|iii|iv)$', '') }}
{%- endmacro %}


{# The companies a relation names: name as written, name_normalized (folded, without legal form: `ACME GmbH & Co. KG` -> `acme`), one
   row per name. Join it by the name. Of the hundreds of legal forms only those with the same last word are looked at. #}
{% macro company_names(relation, column) -%}
    select
        company.name,
        left(company.name_folded, length(company.name_folded) - coalesce(max(length(legal_form.legal_form) + 1), 0)) as name_normalized
    from (
        select name, name_folded, {{ first_match('name_folded', '[^ ]+$') }} as last_word
        from (
            select name, {{ folded('name') }} as name_folded
            from (select distinct {{ column }} as name from {{ relation }}) as named
        ) as folded_name
    ) as company
    left join (
        select legal_form, {{ first_match('legal_form', '[^ ]+$') }} as last_word
        from {{ ref('legal_form') }}
    ) as legal_form
        on legal_form.last_word = company.last_word
        and company.name_folded like '% ' || legal_form.legal_form
    group by company.name, company.name_folded
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
