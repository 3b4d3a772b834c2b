with account_source_change as (
    select 'salesforce__account/' || instance || '/' || record_id as record_key, changed_in from "contacts"."silver"."salesforce__account"
    union all
    select 'erp__customer/' || instance || '/' || record_id as record_key, changed_in from "contacts"."silver"."erp__customer"
    
)

select * from account_source_change
