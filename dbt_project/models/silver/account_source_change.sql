{{- config(materialized='view') -}}
with account_source_change as (
    {%- for object_name in ['salesforce__account', 'erp__customer'] %}
    select {{ record_key(object_name, 'instance', 'record_id') }} as record_key, changed_in from {{ ref(object_name) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from account_source_change
