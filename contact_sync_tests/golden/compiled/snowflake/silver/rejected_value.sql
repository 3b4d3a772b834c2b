with refused as (
    select 'drops__trade_show' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.drops__trade_show
    where rejected_fields is not null and not is_deleted
    union all
    select 'erp__contact' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.erp__contact
    where rejected_fields is not null and not is_deleted
    union all
    select 'erp__customer' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.erp__customer
    where rejected_fields is not null and not is_deleted
    union all
    select 'erp__order' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.erp__order
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__account' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__account
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__case' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__case
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__contact' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__contact
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__event' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__event
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__lead' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__lead
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__opportunity' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__opportunity
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__task' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__task
    where rejected_fields is not null and not is_deleted
    union all
    select 'salesforce__user' as object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.salesforce__user
    where rejected_fields is not null and not is_deleted
    union all
    select object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.contact_record
    where rejected_fields is not null
    union all
    select object_name, instance, record_id, version_at, rejected_fields
    from contacts.silver.account_record
    where rejected_fields is not null
),

digit as (
    select 0 as digit union all
    select 1 as digit union all
    select 2 as digit union all
    select 3 as digit union all
    select 4 as digit union all
    select 5 as digit union all
    select 6 as digit union all
    select 7 as digit union all
    select 8 as digit union all
    select 9 as digit
),

place as (
    select 100 * hundreds.digit + 10 * tens.digit + units.digit + 1 as place
    from digit as hundreds
    cross join digit as tens
    cross join digit as units
),

entry as (
    select
        refused.object_name,
        refused.instance,
        refused.record_id,
        refused.version_at,
        split_part(refused.rejected_fields, ';', place.place) as entry
    from refused
    join place on place.place <= length(refused.rejected_fields) - length(replace(refused.rejected_fields, ';', ''))
),

rejected as (
    select
        cast(object_name || '/' || instance || '/' || record_id as varchar) as record_key,
        cast(object_name as varchar) as object_name,
        cast(instance as varchar) as instance,
        cast(record_id as varchar) as record_id,
        cast(split_part(entry, '|', 1) as varchar) as field,
        cast(split_part(entry, '|', 2) as varchar) as rule,
        cast(split_part(entry, '|', 3) as varchar) as kind_of_value,
        version_at
    from entry
)

select * from rejected
