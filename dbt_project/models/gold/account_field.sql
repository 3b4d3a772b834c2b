with record as (
    select
        company_link.company_key,
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
    join {{ source('identity_ledger', 'company_link') }} as company_link
        on company_link.record_key = account_record.record_key
),

{{ survivorship('account', 'company_key') }}

select * from survived
