with source as (
    select bronze.*
    from contacts.bronze.erp__contact as bronze
    join contacts.pipeline.bronze_window as bronze_window
        on bronze_window.object_name = 'erp__contact'
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
        nullif(ltrim(rtrim("IS_ACTIVE", ' \t\r\n'), ' \t\r\n'), '') as "is_active trimmed",
        nullif(ltrim(rtrim("CREATED_AT", ' \t\r\n'), ' \t\r\n'), '') as "created_at trimmed",
        nullif(ltrim(rtrim("UPDATED_AT", ' \t\r\n'), ' \t\r\n'), '') as "updated_at trimmed"
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
        nullif(ltrim(rtrim("CONTACT_NUMBER", ' \t\r\n'), ' \t\r\n'), '') as contact_number,
        nullif(ltrim(rtrim("CUSTOMER_NUMBER", ' \t\r\n'), ' \t\r\n'), '') as customer_number,
        nullif(ltrim(rtrim("FIRST_NAME", ' \t\r\n'), ' \t\r\n'), '') as first_name,
        nullif(ltrim(rtrim("LAST_NAME", ' \t\r\n'), ' \t\r\n'), '') as last_name,
        nullif(ltrim(rtrim("EMAIL", ' \t\r\n'), ' \t\r\n'), '') as email,
        nullif(ltrim(rtrim("PHONE", ' \t\r\n'), ' \t\r\n'), '') as phone,
        nullif(ltrim(rtrim("MOBILE_PHONE", ' \t\r\n'), ' \t\r\n'), '') as mobile_phone,
        nullif(ltrim(rtrim("JOB_TITLE", ' \t\r\n'), ' \t\r\n'), '') as job_title,
        nullif(ltrim(rtrim("STREET", ' \t\r\n'), ' \t\r\n'), '') as street,
        nullif(ltrim(rtrim("CITY", ' \t\r\n'), ' \t\r\n'), '') as city,
        nullif(ltrim(rtrim("STATE", ' \t\r\n'), ' \t\r\n'), '') as state,
        nullif(ltrim(rtrim("POSTAL_CODE", ' \t\r\n'), ' \t\r\n'), '') as postal_code,
        nullif(ltrim(rtrim("COUNTRY", ' \t\r\n'), ' \t\r\n'), '') as country,
        case
            when lower("is_active trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("is_active trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as is_active,
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
        "is_active trimmed" as sent_is_active,
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
        typed.contact_number,
        typed.customer_number,
        typed.first_name,
        typed.last_name,
        case when lower(typed.email) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.email end as email,
        case when lower(typed.phone) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.phone end as phone,
        case when lower(typed.mobile_phone) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.mobile_phone end as mobile_phone,
        typed.job_title,
        typed.street,
        typed.city,
        typed.state,
        typed.postal_code,
        typed.country,
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
    left join contacts.silver.erp__contact as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or (coalesce(incoming.version_at, incoming.extracted_at) > coalesce(known.version_at, known.extracted_at)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted and not known.is_deleted)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted = known.is_deleted
                and incoming.extracted_at > known.extracted_at))
)

select *, (select cast(number as bigint) from contacts.pipeline.refresh) as changed_in from newer
