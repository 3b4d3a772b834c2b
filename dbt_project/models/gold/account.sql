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
        split_part(account_record.object_name, '__', 1) || '/' || account_record.instance as system_name,
        account_record.version_at,
        {%- for field in golden_fields('account') %}
        account_record.{{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('account_record') }} as account_record
    inner join link
        on link.record_key = account_record.record_key
),

{{ golden_values('account', 'company_key') }},

account as (
    select
        company_key,
        {%- for field in golden_fields('account') %}
        {{ 'cast(credit_limit as decimal(18, 2)) as credit_limit' if field == 'credit_limit' else field }},
        {{ field }}_source,
        {%- endfor %}
        record_count,
        system_count,
        updated_at
    from golden
)

select * from account
