with source as (
    select bronze.*
    from "contacts"."bronze"."erp__order" as bronze
    join "contacts"."pipeline"."bronze_window" as bronze_window
        on bronze_window.object_name = 'erp__order'
        and bronze_window.instance = bronze._instance
    where bronze._sequence <= bronze_window.up_to_sequence
        and bronze._sequence > bronze_window.after_sequence
),

latest as (
    with repeated as (
        select _instance, _record_id
        from source
        group by _instance, _record_id
        having count(*) > 1
    )

    select
        placed.*,
        nullif(btrim("ordered_at", ' ' || chr(9) || chr(13) || chr(10)), '') as "ordered_at trimmed",
        nullif(btrim("amount", ' ' || chr(9) || chr(13) || chr(10)), '') as "amount trimmed",
        nullif(btrim("created_at", ' ' || chr(9) || chr(13) || chr(10)), '') as "created_at trimmed",
        nullif(btrim("updated_at", ' ' || chr(9) || chr(13) || chr(10)), '') as "updated_at trimmed"
    from (
        select source.*, 1 as _place
        from source
        left join repeated
            on repeated._instance = source._instance
            and repeated._record_id = source._record_id
        where repeated._record_id is null
        union all
        select *
        from (
            select
                source.*,
                row_number() over (
                    partition by source._instance, source._record_id
                    order by
                        coalesce(_version_at, _extracted_at) desc,
                        _is_deleted desc nulls last,
                        _extracted_at desc,
                        _row_hash desc nulls last
                ) as _place
            from source
            inner join repeated
                on repeated._instance = source._instance
                and repeated._record_id = source._record_id
        ) as placed_version
        where _place = 1
    ) as placed
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        nullif(btrim("order_number", ' ' || chr(9) || chr(13) || chr(10)), '') as order_number,
        nullif(btrim("customer_number", ' ' || chr(9) || chr(13) || chr(10)), '') as customer_number,
        case
            when (regexp_count("ordered_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast("ordered_at trimmed" || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count("ordered_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace("ordered_at trimmed", '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count("ordered_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace("ordered_at trimmed", '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as ordered_at,
        case when (regexp_count("amount trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("amount trimmed" as decimal(18, 2)) end as amount,
        nullif(btrim("currency", ' ' || chr(9) || chr(13) || chr(10)), '') as currency,
        nullif(btrim("status", ' ' || chr(9) || chr(13) || chr(10)), '') as status,
        case
            when (regexp_count("created_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast("created_at trimmed" || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count("created_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace("created_at trimmed", '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count("created_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace("created_at trimmed", '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as created_at,
        case
            when (regexp_count("updated_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast("updated_at trimmed" || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count("updated_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace("updated_at trimmed", '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count("updated_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace("updated_at trimmed", '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as modified_at,
        "ordered_at trimmed" as sent_ordered_at,
        "amount trimmed" as sent_amount,
        "created_at trimmed" as sent_created_at,
        "updated_at trimmed" as sent_modified_at,
        _version_at as version_at,
        coalesce(_is_deleted, false) as is_deleted,
        _extracted_at as extracted_at,
        _batch_id as batch_id
    from latest
),

checked as (
    select
        typed.instance,
        typed.record_id,
        typed.order_number,
        typed.customer_number,
        typed.ordered_at,
        typed.amount,
        case when lower(typed.currency) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.currency end as currency,
        coalesce(picklist_status.value, case when lower(typed.status) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.status end) as status,
        typed.created_at,
        typed.modified_at,
        typed.version_at,
        typed.is_deleted,
        typed.extracted_at,
        typed.batch_id,
        case
            when typed.ordered_at is null and typed.sent_ordered_at is not null
                or typed.amount is null and typed.sent_amount is not null
                or typed.created_at is null and typed.sent_created_at is not null
                or typed.modified_at is null and typed.sent_modified_at is not null
                or typed.status is not null and picklist_status.value is null
            then nullif(case when typed.ordered_at is null and lower(typed.sent_ordered_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'ordered_at|timestamp|' || 'text(' || cast(length(typed.sent_ordered_at) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.amount is null and lower(typed.sent_amount) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'amount|decimal(18, 2)|' || 'text(' || cast(length(typed.sent_amount) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.created_at is null and lower(typed.sent_created_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'created_at|timestamp|' || 'text(' || cast(length(typed.sent_created_at) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.modified_at is null and lower(typed.sent_modified_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_at|timestamp|' || 'text(' || cast(length(typed.sent_modified_at) as varchar(65535)) || ')' || ';' else '' end
                || case when picklist_status.value is null and lower(typed.status) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'status|picklist|' || 'text(' || cast(length(typed.status) as varchar(65535)) || ')' || ';' else '' end, '')
        end as rejected_fields
    from typed as typed
    left join "contacts"."silver"."picklist_value" as picklist_status
        on picklist_status.object_name = 'erp__order'
        and picklist_status.field = 'status'
        and picklist_status.source_value = lower(typed.status)
),

newer as (
    select incoming.*
    from checked as incoming
    left join "contacts"."silver"."erp__order" as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or (coalesce(incoming.version_at, incoming.extracted_at) > coalesce(known.version_at, known.extracted_at)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted and not known.is_deleted)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted = known.is_deleted
                and incoming.extracted_at > known.extracted_at))
)

select * from newer
