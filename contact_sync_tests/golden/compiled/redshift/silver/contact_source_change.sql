-- An account's name is written on the records of its people.
with of_account as (
    select 'salesforce__contact/' || contact.instance || '/' || contact.record_id as record_key, account.changed_in
    from "contacts"."silver"."salesforce__account" as account
    inner join "contacts"."silver"."salesforce__contact" as contact
        on contact.instance = account.instance
        and contact.account_id = account.record_id
    union all
    select 'erp__contact/' || contact.instance || '/' || contact.record_id as record_key, customer.changed_in
    from "contacts"."silver"."erp__customer" as customer
    inner join "contacts"."silver"."erp__contact" as contact
        on contact.instance = customer.instance
        and contact.customer_number = customer.record_id
),

contact_source_change as (
    select 'salesforce__contact/' || instance || '/' || record_id as record_key, changed_in from "contacts"."silver"."salesforce__contact"
    union all
    select 'salesforce__lead/' || instance || '/' || record_id as record_key, changed_in from "contacts"."silver"."salesforce__lead"
    union all
    select 'erp__contact/' || instance || '/' || record_id as record_key, changed_in from "contacts"."silver"."erp__contact"
    union all
    select 'drops__trade_show/' || instance || '/' || record_id as record_key, changed_in from "contacts"."silver"."drops__trade_show"
    union all
    select record_key, changed_in from of_account
)

select * from contact_source_change
