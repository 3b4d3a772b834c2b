with source as (
    select bronze.*
    from "contacts"."bronze"."drops__trade_show" as bronze
    join "contacts"."pipeline"."bronze_window" as bronze_window
        on bronze_window.object_name = 'drops__trade_show'
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
        nullif(btrim("scanned_at", ' ' || chr(9) || chr(13) || chr(10)), '') as "scanned_at trimmed"
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
        nullif(btrim("badge_id", ' ' || chr(9) || chr(13) || chr(10)), '') as badge_id,
        nullif(btrim("event", ' ' || chr(9) || chr(13) || chr(10)), '') as event,
        case
            when (regexp_count("scanned_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast("scanned_at trimmed" || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count("scanned_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace("scanned_at trimmed", '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count("scanned_at trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace("scanned_at trimmed", '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as scanned_at,
        nullif(btrim("first_name", ' ' || chr(9) || chr(13) || chr(10)), '') as first_name,
        nullif(btrim("last_name", ' ' || chr(9) || chr(13) || chr(10)), '') as last_name,
        nullif(btrim("email", ' ' || chr(9) || chr(13) || chr(10)), '') as email,
        nullif(btrim("phone", ' ' || chr(9) || chr(13) || chr(10)), '') as phone,
        nullif(btrim("company", ' ' || chr(9) || chr(13) || chr(10)), '') as company_name,
        nullif(btrim("job_title", ' ' || chr(9) || chr(13) || chr(10)), '') as job_title,
        nullif(btrim("city", ' ' || chr(9) || chr(13) || chr(10)), '') as city,
        nullif(btrim("country", ' ' || chr(9) || chr(13) || chr(10)), '') as country,
        nullif(btrim("notes", ' ' || chr(9) || chr(13) || chr(10)), '') as notes,
        nullif(btrim("_file", ' ' || chr(9) || chr(13) || chr(10)), '') as file,
        "scanned_at trimmed" as sent_scanned_at,
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
        typed.badge_id,
        typed.event,
        typed.scanned_at,
        typed.first_name,
        typed.last_name,
        case when lower(typed.email) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.email end as email,
        case when lower(typed.phone) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.phone end as phone,
        case when lower(typed.company_name) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.company_name end as company_name,
        typed.job_title,
        typed.city,
        typed.country,
        typed.notes,
        typed.file,
        typed.version_at,
        typed.is_deleted,
        typed.extracted_at,
        typed.batch_id,
        case
            when typed.scanned_at is null and typed.sent_scanned_at is not null
            then nullif(case when typed.scanned_at is null and lower(typed.sent_scanned_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'scanned_at|timestamp|' || 'text(' || cast(length(typed.sent_scanned_at) as varchar(65535)) || ')' || ';' else '' end, '')
        end as rejected_fields
    from typed as typed
),

newer as (
    select incoming.*
    from checked as incoming
    left join "contacts"."silver"."drops__trade_show" as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or (coalesce(incoming.version_at, incoming.extracted_at) > coalesce(known.version_at, known.extracted_at)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted and not known.is_deleted)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted = known.is_deleted
                and incoming.extracted_at > known.extracted_at))
)

select *, (select cast(number as bigint) from "contacts"."pipeline"."refresh") as changed_in from newer
