{{- follows('contact_record_change', key='record_key') -}}
with record as (
    select
        record_key,
        external_id,
        case when not email_is_role then email_normalized end as email,
        phone_normalized,
        mobile_phone_normalized,
        first_name_normalized as first_name,
        last_name_normalized as last_name,
        coalesce(name_suffix, '') as name_suffix,
        first_name_normalized || '|' || last_name_normalized || '|' || coalesce(name_suffix, '') as full_name,
        company_normalized as company,
        street_normalized as street,
        postal_code_normalized as postal_code
    from {{ ref('contact_record') }}
    {{ where_changed('record_key') }}
),

-- A null part makes the whole key null: a key is guarded by every part of it or it is no key.
match_key as (
    select record_key, 'email_last_name' as rule, email || '|' || last_name || '|' || name_suffix as match_key from record
    union all
    select record_key, 'email_first_name' as rule, email || '|' || first_name || '|' || name_suffix as match_key from record
    union all
    select record_key, 'phone_name' as rule, phone_normalized || '|' || full_name as match_key from record
    union all
    select record_key, 'phone_name' as rule, mobile_phone_normalized || '|' || full_name as match_key from record
    where {{ is_different('mobile_phone_normalized', 'phone_normalized') }}
    union all
    select record_key, 'name_postal_code' as rule, full_name || '|' || postal_code as match_key from record
    union all
    select record_key, 'name_street' as rule, full_name || '|' || street as match_key from record
    union all
    select record_key, 'name_company' as rule, full_name || '|' || company as match_key from record
),

-- Records that live on in others: merged ones, and leads that became contacts.
lives_on as (
    {{ merged_records('salesforce__contact', external_id='contact_sync_key') }}
    union all
    {{ merged_records('salesforce__lead', external_id='null') }}
    union all
    select
        {{ record_key('salesforce__lead', 'instance', 'record_id') }} as record_key,
        cast(null as {{ text_type() }}) as external_id,
        'lead_conversion' as rule,
        {{ record_key('salesforce__contact', 'instance', 'converted_contact_id') }} as match_key
    from {{ ref('salesforce__lead') }}
    where is_converted and converted_contact_id is not null
),

retired as (
    select record_key, external_id, rule, match_key
    from lives_on
    {{ where_changed('record_key') }}
),

{{ stable_keys('record', owned_rules=['phone_name', 'name_postal_code', 'name_street'], retired=true) }},

{{ dated_keys() }}

select * from dated
