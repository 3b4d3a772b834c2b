with written as (
    select record_key, changed_in from contacts.silver.account_record
),

-- Of those that are gone, the sources alone know.
account_record_change as (
    select record_key, changed_in from written
    union all
    select record_key, changed_in from contacts.silver.account_source_change
)

select * from account_record_change
