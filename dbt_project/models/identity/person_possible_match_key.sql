{{- follows('contact_record_change', key='record_key') -}}
with record as (
    select
        record_key,
        external_id,
        case when not email_is_role then email_normalized end as email,
        phone_normalized as phone,
        mobile_phone_normalized as mobile_phone,
        first_name_normalized as first_name,
        last_name_normalized as last_name,
        company_normalized as company,
        street_normalized as street,
        postal_code_normalized as postal_code
    from {{ ref('contact_record') }}
    {{ where_changed('record_key') }}
),

-- Too weak to join two records, strong enough to ask a person before a new record is created.
match_key as (
    select record_key, 'email' as rule, email as match_key from record
    union all
    select record_key, 'mobile_phone' as rule, mobile_phone as match_key from record
    union all
    select record_key, 'phone_last_name' as rule, phone || '|' || last_name as match_key from record
    union all
    select record_key, 'name' as rule, first_name || '|' || last_name as match_key from record
    union all
    select record_key, 'last_name_company' as rule, last_name || '|' || company as match_key from record
    union all
    select record_key, 'first_name_company' as rule, first_name || '|' || company as match_key from record
    union all
    select record_key, 'initial_postal_code' as rule, substr(first_name, 1, 1) || '|' || last_name || '|' || postal_code from record
    union all
    select record_key, 'first_name_postal_code' as rule, first_name || '|' || postal_code as match_key from record
    union all
    select record_key, 'first_name_street' as rule, first_name || '|' || street as match_key from record
),

{{ stable_keys('record', owned_rules=['phone_last_name', 'initial_postal_code', 'first_name_postal_code', 'first_name_street']) }}

select * from every_key
