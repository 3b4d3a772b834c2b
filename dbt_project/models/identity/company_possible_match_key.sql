{{- follows('account_record_change', key='record_key') -}}
with record as (
    select
        record_key,
        external_id,
        name_normalized as name,
        website_domain,
        phone_normalized as phone,
        street_normalized as street,
        postal_code_normalized as postal_code
    from {{ ref('account_record') }}
    {{ where_changed('record_key') }}
),

-- Too weak to join two records, strong enough to ask a person before a new record is created.
match_key as (
    select record_key, 'name' as rule, name as match_key from record
    union all
    select record_key, 'website_domain' as rule, website_domain as match_key from record
    union all
    select record_key, 'phone' as rule, phone as match_key from record
    union all
    select record_key, 'street_postal_code' as rule, street || '|' || postal_code as match_key from record
),

{{ stable_keys('record', owned_rules=['phone', 'street_postal_code']) }}

select * from every_key
