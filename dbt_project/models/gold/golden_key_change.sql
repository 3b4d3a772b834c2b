{{- config(materialized='view') -}}
with golden_key_change as (
    select person_key as golden_key, changed_in from {{ source('identity_ledger', 'person_change') }}
    union all
    select company_key as golden_key, changed_in from {{ source('identity_ledger', 'company_change') }}
)

select * from golden_key_change
