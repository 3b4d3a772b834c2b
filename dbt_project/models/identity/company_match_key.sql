{{- follows('account_record_change', key='record_key') -}}
with record as (
    select
        record_key,
        external_id,
        name_normalized as name,
        website_domain,
        postal_code_normalized as postal_code,
        account_number_normalized as account_number,
        vat_number_normalized as vat_number
    from {{ ref('account_record') }}
    {{ where_changed('record_key') }}
),

-- A null part makes the whole key null: a key is guarded by every part of it or it is no key.
match_key as (
    select record_key, 'name_website_domain' as rule, name || '|' || website_domain as match_key from record
    union all
    select record_key, 'website_domain' as rule, website_domain as match_key from record
    union all
    select record_key, 'name_postal_code' as rule, name || '|' || postal_code as match_key from record
    union all
    select record_key, 'account_number' as rule, account_number as match_key from record
    union all
    select record_key, 'vat_number' as rule, vat_number as match_key from record
),

-- Records that live on in others.
lives_on as (
    {{ merged_records('salesforce__account', external_id='contact_sync_key') }}
),

retired as (
    select record_key, external_id, rule, match_key
    from lives_on
    {{ where_changed('record_key') }}
),

{{ stable_keys('record', owned_rules=['account_number', 'name_postal_code'], retired=true) }},

{{ dated_keys() }}

select * from dated
