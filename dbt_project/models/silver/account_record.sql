{{- follows('account_source_change', key='record_key') -}}
with salesforce_account as (
    select
        {{ record_key('salesforce__account', 'instance', 'record_id') }} as record_key,
        'salesforce__account' as object_name,
        instance,
        record_id,
        contact_sync_key as external_id,
        name,
        account_number,
        cast(null as {{ text_type() }}) as vat_number,
        phone,
        website,
        street,
        city,
        state,
        postal_code,
        country,
        cast(null as decimal(18, 2)) as credit_limit,
        cast(null as {{ text_type() }}) as payment_terms,
        version_at,
        created_at
    from {{ changed_records('salesforce__account') }} as account
    where not is_deleted
),

erp_customer as (
    select
        {{ record_key('erp__customer', 'instance', 'record_id') }} as record_key,
        'erp__customer' as object_name,
        instance,
        record_id,
        cast(null as {{ text_type() }}) as external_id,
        name,
        customer_number as account_number,
        vat_number,
        phone,
        website,
        street,
        city,
        state,
        postal_code,
        country,
        credit_limit,
        payment_terms,
        version_at,
        created_at
    from {{ changed_records('erp__customer') }} as customer
    where not is_deleted
),

record as (
    select * from salesforce_account
    union all
    select * from erp_customer
),

phone_answer as (
    {{ library_answers('phone') }}
),

folded as (
    select
        record.*,
        {{ answered('phone_answer', normalized_phone('record.phone')) }} as phone_form,
        phone_answer.rule as phone_rule,
        {{ normalized_street('record.street') }} as street_normalized,
        {{ normalized_postal_code('record.postal_code') }} as postal_code_normalized
    from record
    left join phone_answer
        on phone_answer.raw = record.phone
        and phone_answer.hint = coalesce(record.country, '')
),

usable as (
    select *, case when not {{ is_placeholder_phone('phone_form') }} then phone_form end as phone_normalized
    from folded
),

company as (
    {{ company_names('record', 'name') }}
),

place_code as (
    {{ place_codes('record') }}
),

normalized as (
    select
        usable.record_key,
        usable.object_name,
        usable.instance,
        usable.record_id,
        usable.external_id,
        usable.name,
        usable.account_number,
        usable.vat_number,
        usable.phone,
        usable.website,
        usable.street,
        usable.city,
        usable.state,
        usable.postal_code,
        usable.country,
        usable.credit_limit,
        usable.payment_terms,
        usable.version_at,
        usable.created_at,
        company.name_normalized,
        {{ website_domain('usable.website') }} as website_domain,
        {{ alphanumeric('usable.account_number') }} as account_number_normalized,
        {{ alphanumeric('usable.vat_number') }} as vat_number_normalized,
        usable.phone_normalized,
        usable.street_normalized,
        usable.postal_code_normalized,
        place_code.country_code,
        place_code.state_code,
        {{ address_key('usable.street_normalized', 'usable.postal_code_normalized', 'place_code.country_code') }} as address_key,
        nullif({{ rejected_entry('usable.phone', 'usable.phone_normalized', 'usable.phone_rule', 'usable.phone_form', 'phone_too_short', 'phone_placeholder') }}, '') as rejected_fields
    from usable
    left join company
        on company.name = usable.name
    left join place_code
        on place_code.country = usable.country
        and place_code.state = coalesce(usable.state, '')
)

select *, {{ this_refresh() }} as changed_in from normalized
