{{- follows('identity_ledger.person_change', key='person_key') -}}
with link as (
    select record_key, person_key from {{ source('identity_ledger', 'person_link') }}
    {{ where_changed('person_key') }}
),

record as (
    select
        link.person_key,
        contact_record.record_key,
        contact_record.object_name,
        contact_record.instance,
        contact_record.version_at,
        contact_record.first_name,
        contact_record.last_name,
        contact_record.email,
        contact_record.phone,
        contact_record.mobile_phone,
        contact_record.job_title,
        contact_record.street,
        contact_record.city,
        contact_record.state,
        contact_record.postal_code,
        contact_record.country,
        contact_record.email_normalized,
        contact_record.email_is_role,
        contact_record.phone_normalized,
        contact_record.mobile_phone_normalized,
        company_link.company_key
    from {{ ref('contact_record') }} as contact_record
    inner join link
        on link.record_key = contact_record.record_key
    left join {{ source('identity_ledger', 'company_link') }} as company_link
        on company_link.record_key = contact_record.account_record_key
),

{{ survivorship('contact', 'person_key') }}

select * from survived
