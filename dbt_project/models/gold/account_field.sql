{{- follows('identity_ledger.company_change', key='company_key') -}}
with link as (
    select record_key, company_key from {{ source('identity_ledger', 'company_link') }}
    {{ where_changed('company_key') }}
),

record as (
    select
        link.company_key,
        account_record.record_key,
        account_record.object_name,
        account_record.instance,
        account_record.version_at,
        account_record.website_domain,
        account_record.vat_number_normalized,
        {%- for field in golden_fields('account') %}
        account_record.{{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('account_record') }} as account_record
    inner join link
        on link.record_key = account_record.record_key
),

{{ survivorship('account', 'company_key') }}

select * from survived
