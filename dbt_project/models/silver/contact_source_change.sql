{{- config(materialized='view') -}}
-- An account's name is written on the records of its people.
with of_account as (
    select {{ record_key('salesforce__contact', 'contact.instance', 'contact.record_id') }} as record_key, account.changed_in
    from {{ ref('salesforce__account') }} as account
    inner join {{ ref('salesforce__contact') }} as contact
        on contact.instance = account.instance
        and contact.account_id = account.record_id
    union all
    select {{ record_key('erp__contact', 'contact.instance', 'contact.record_id') }} as record_key, customer.changed_in
    from {{ ref('erp__customer') }} as customer
    inner join {{ ref('erp__contact') }} as contact
        on contact.instance = customer.instance
        and contact.customer_number = customer.record_id
),

contact_source_change as (
    {%- for object_name in ['salesforce__contact', 'salesforce__lead', 'erp__contact', 'drops__trade_show'] %}
    select {{ record_key(object_name, 'instance', 'record_id') }} as record_key, changed_in from {{ ref(object_name) }}
    union all
    {%- endfor %}
    select record_key, changed_in from of_account
)

select * from contact_source_change
