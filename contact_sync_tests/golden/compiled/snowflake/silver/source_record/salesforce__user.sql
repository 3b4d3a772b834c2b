with source as (
    select bronze.*
    from contacts.bronze.salesforce__user as bronze
    join contacts.pipeline.bronze_window as bronze_window
        on bronze_window.object_name = 'salesforce__user'
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
        nullif(ltrim(rtrim("IsActive", ' \t\r\n'), ' \t\r\n'), '') as "IsActive trimmed",
        nullif(ltrim(rtrim("CreatedDate", ' \t\r\n'), ' \t\r\n'), '') as "CreatedDate trimmed",
        nullif(ltrim(rtrim("LastModifiedDate", ' \t\r\n'), ' \t\r\n'), '') as "LastModifiedDate trimmed"
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
        nullif(ltrim(rtrim("Username", ' \t\r\n'), ' \t\r\n'), '') as username,
        nullif(ltrim(rtrim("Name", ' \t\r\n'), ' \t\r\n'), '') as name,
        nullif(ltrim(rtrim("Email", ' \t\r\n'), ' \t\r\n'), '') as email,
        case
            when lower("IsActive trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("IsActive trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as is_active,
        case
            when (regexp_count("CreatedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast("CreatedDate trimmed" || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count("CreatedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace("CreatedDate trimmed", '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count("CreatedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace("CreatedDate trimmed", '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as created_at,
        case
            when (regexp_count("LastModifiedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast("LastModifiedDate trimmed" || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count("LastModifiedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace("LastModifiedDate trimmed", '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count("LastModifiedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace("LastModifiedDate trimmed", '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as modified_at,
        "IsActive trimmed" as sent_is_active,
        "CreatedDate trimmed" as sent_created_at,
        "LastModifiedDate trimmed" as sent_modified_at,
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
        typed.username,
        typed.name,
        case when lower(typed.email) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.email end as email,
        typed.is_active,
        typed.created_at,
        typed.modified_at,
        typed.version_at,
        typed.is_deleted,
        typed.extracted_at,
        typed.batch_id,
        case
            when typed.is_active is null and typed.sent_is_active is not null
                or typed.created_at is null and typed.sent_created_at is not null
                or typed.modified_at is null and typed.sent_modified_at is not null
            then nullif(case when typed.is_active is null and lower(typed.sent_is_active) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'is_active|boolean|' || 'text(' || cast(length(typed.sent_is_active) as varchar) || ')' || ';' else '' end
                || case when typed.created_at is null and lower(typed.sent_created_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'created_at|timestamp|' || 'text(' || cast(length(typed.sent_created_at) as varchar) || ')' || ';' else '' end
                || case when typed.modified_at is null and lower(typed.sent_modified_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_at|timestamp|' || 'text(' || cast(length(typed.sent_modified_at) as varchar) || ')' || ';' else '' end, '')
        end as rejected_fields
    from typed as typed
),

newer as (
    select incoming.*
    from checked as incoming
    left join contacts.silver.salesforce__user as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or (coalesce(incoming.version_at, incoming.extracted_at) > coalesce(known.version_at, known.extracted_at)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted and not known.is_deleted)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted = known.is_deleted
                and incoming.extracted_at > known.extracted_at))
)

select * from newer
