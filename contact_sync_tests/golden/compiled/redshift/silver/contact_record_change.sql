with written as (
    select record_key, changed_in from "contacts"."silver"."contact_record"
),

-- Of those that are gone, the sources alone know.
contact_record_change as (
    select record_key, changed_in from written
    union all
    select record_key, changed_in from "contacts"."silver"."contact_source_change"
)

select * from contact_record_change
