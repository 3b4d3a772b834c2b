{# What is normalised of people, and the columns that come of it: the ends of `normalized_people`. #}
{% macro written_of_people() -%}
    {{ return(['first_name', 'last_name', 'email', 'phone', 'mobile_phone', 'company_name', 'street', 'state', 'postal_code', 'country']) }}
{%- endmacro %}

{% macro forms_of_people() -%}
    {{ return([
        'email_normalized', 'email_is_role', 'phone_normalized', 'phone_extension', 'mobile_phone_normalized', 'first_name_normalized',
        'last_name_normalized', 'name_suffix', 'company_normalized', 'street_normalized', 'postal_code_normalized', 'country_code',
        'state_code', 'address_key', 'rejected_fields',
    ]) }}
{%- endmacro %}


{# What this model made of changed records in its last build; nothing before the first one, in unit tests, and when a form could be
   another one now (contact_sync/warehouse/definitions.py). #}
{% macro forms_of_last_build() -%}
    {%- set columns = ['record_key'] + written_of_people() + forms_of_people() -%}
    {%- if has_last_build() -%}
    select {{ columns | join(', ') }}
    from {{ this }}
    {{ where_changed('record_key') }}
    {%- else -%}
    select
        {%- for column in columns %}
        cast(null as {{ 'boolean' if column == 'email_is_role' else text_type() }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    where 1 = 0
    {%- endif -%}
{%- endmacro %}


{#
    CTEs up to `normalized` from a CTE or relation of people as they were written down: the forms that are compared beside
    the values as they are. What silver knows of people and what `contact-sync match` reads from a file is normalised here.
#}
{% macro normalized_people(record) -%}
email_answer as (
    {{ library_answers('email') }}
),

phone_answer as (
    {{ library_answers('phone') }}
),

name_answer as (
    {{ library_answers('person_name') }}
),

-- A last name of several words without a first name is a full name in one field.
answered as (
    select
        record.*,
        {{ answered('email_answer', normalized_email('record.email')) }} as email_form,
        email_answer.rule as email_rule,
        {{ answered('phone_answer', normalized_phone('record.phone')) }} as phone_form,
        phone_answer.rule as phone_rule,
        {{ answered('mobile_phone_answer', normalized_phone('record.mobile_phone')) }} as mobile_phone_form,
        mobile_phone_answer.rule as mobile_phone_rule,
        coalesce(split_part(name_answer.normalized, '|', 1), record.first_name) as given_name,
        coalesce(
            split_part(name_answer.normalized, '|', 2) || ' ' || split_part(name_answer.normalized, '|', 3), record.last_name
        ) as family_name
    from {{ record }} as record
    left join email_answer
        on email_answer.raw = record.email
    left join phone_answer
        on phone_answer.raw = record.phone
        and phone_answer.hint = coalesce(record.country, '')
    left join phone_answer as mobile_phone_answer
        on mobile_phone_answer.raw = record.mobile_phone
        and mobile_phone_answer.hint = coalesce(record.country, '')
    left join name_answer
        on name_answer.raw = record.last_name
        and record.first_name is null
),

folded as (
    select
        *,
        {{ bare_given_name(folded('given_name')) }} as first_name_folded,
        {{ without_degree(folded('family_name')) }} as last_name_folded,
        {{ normalized_street('street') }} as street_normalized,
        {{ normalized_postal_code('postal_code') }} as postal_code_normalized,
        case when not {{ is_placeholder_mailbox('email_form') }} then email_form end as email_normalized,
        case when not {{ is_placeholder_phone('phone_form') }} then phone_form end as phone_normalized,
        case when not {{ is_placeholder_phone('mobile_phone_form') }} then mobile_phone_form end as mobile_phone_normalized
    from answered
),

company as (
    {{ company_names(record, 'company_name') }}
),

place_code as (
    {{ place_codes(record) }}
),

normalized as (
    select
        folded.record_key,
        folded.object_name,
        folded.instance,
        folded.record_id,
        folded.account_record_key,
        folded.external_id,
        folded.salutation,
        folded.first_name,
        folded.last_name,
        folded.email,
        folded.phone,
        folded.mobile_phone,
        folded.job_title,
        folded.company_name,
        folded.street,
        folded.city,
        folded.state,
        folded.postal_code,
        folded.country,
        folded.has_opted_out_of_email,
        folded.do_not_call,
        folded.opted_out_of_email_since,
        folded.do_not_call_since,
        folded.version_at,
        folded.created_at,
        folded.email_normalized,
        {{ is_role_mailbox('folded.email_form') }} as email_is_role,
        folded.phone_normalized,
        {{ phone_extension('folded.phone') }} as phone_extension,
        folded.mobile_phone_normalized,
        coalesce(nickname.first_name, folded.first_name_folded) as first_name_normalized,
        {{ without_name_suffix('folded.last_name_folded') }} as last_name_normalized,
        {{ name_suffix('folded.last_name_folded') }} as name_suffix,
        company.name_normalized as company_normalized,
        folded.street_normalized,
        folded.postal_code_normalized,
        place_code.country_code,
        place_code.state_code,
        {{ address_key('folded.street_normalized', 'folded.postal_code_normalized', 'place_code.country_code') }} as address_key,
        nullif(
            {{ rejected_entry('folded.email', 'folded.email_normalized', 'folded.email_rule', 'folded.email_form', 'email_syntax', 'email_placeholder') }}
            || {{ rejected_entry('folded.phone', 'folded.phone_normalized', 'folded.phone_rule', 'folded.phone_form', 'phone_too_short', 'phone_placeholder') }}
            || {{ rejected_entry('folded.mobile_phone', 'folded.mobile_phone_normalized', 'folded.mobile_phone_rule', 'folded.mobile_phone_form', 'phone_too_short', 'phone_placeholder') }},
            ''
        ) as rejected_fields
    from folded
    left join {{ ref('nickname') }} as nickname
        on nickname.nickname = folded.first_name_folded
    left join company
        on company.name = folded.company_name
    left join place_code
        on place_code.country = folded.country
        and place_code.state = coalesce(folded.state, '')
)
{%- endmacro %}
