with source as (
    select bronze.*
    from contacts.bronze.erp__order as bronze
    join contacts.pipeline.bronze_window as bronze_window
        on bronze_window.object_name = 'erp__order'
        and bronze_window.instance = bronze._instance
    where bronze._sequence <= bronze_window.up_to_sequence
        and bronze._sequence > bronze_window.after_sequence
),

latest as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by _instance, _record_id
                order by
                    coalesce(_version_at, _extracted_at) desc,
                    _is_deleted desc nulls last,
                    _extracted_at desc,
                    _row_hash desc nulls last
            ) as _place
        from source
    ) as placed
    where _place = 1
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        nullif(ltrim(rtrim("ORDER_NUMBER", ' \t\r\n'), ' \t\r\n'), '') as order_number,
        nullif(ltrim(rtrim("CUSTOMER_NUMBER", ' \t\r\n'), ' \t\r\n'), '') as customer_number,
        case
            when (regexp_count(nullif(ltrim(rtrim("ORDERED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast(nullif(ltrim(rtrim("ORDERED_AT", ' \t\r\n'), ' \t\r\n'), '') || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count(nullif(ltrim(rtrim("ORDERED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace(nullif(ltrim(rtrim("ORDERED_AT", ' \t\r\n'), ' \t\r\n'), ''), '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count(nullif(ltrim(rtrim("ORDERED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace(nullif(ltrim(rtrim("ORDERED_AT", ' \t\r\n'), ' \t\r\n'), ''), '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as ordered_at,
        case when (regexp_count(nullif(ltrim(rtrim("AMOUNT", ' \t\r\n'), ' \t\r\n'), ''), '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast(nullif(ltrim(rtrim("AMOUNT", ' \t\r\n'), ' \t\r\n'), '') as decimal(18, 2)) end as amount,
        nullif(ltrim(rtrim("CURRENCY", ' \t\r\n'), ' \t\r\n'), '') as currency,
        nullif(ltrim(rtrim("STATUS", ' \t\r\n'), ' \t\r\n'), '') as status,
        case
            when (regexp_count(nullif(ltrim(rtrim("CREATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast(nullif(ltrim(rtrim("CREATED_AT", ' \t\r\n'), ' \t\r\n'), '') || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count(nullif(ltrim(rtrim("CREATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace(nullif(ltrim(rtrim("CREATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count(nullif(ltrim(rtrim("CREATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace(nullif(ltrim(rtrim("CREATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as created_at,
        case
            when (regexp_count(nullif(ltrim(rtrim("UPDATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') > 0) then try_cast(nullif(ltrim(rtrim("UPDATED_AT", ' \t\r\n'), ' \t\r\n'), '') || ' 00:00:00+00:00' as timestamp with time zone)
            when (regexp_count(nullif(ltrim(rtrim("UPDATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$') > 0)
                then try_cast(regexp_replace(nullif(ltrim(rtrim("UPDATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '([.][0-9]{6})[0-9]+', '\\1') || '+00:00' as timestamp with time zone)
            when (regexp_count(nullif(ltrim(rtrim("UPDATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') > 0)
                then try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace(nullif(ltrim(rtrim("UPDATED_AT", ' \t\r\n'), ' \t\r\n'), ''), '([.][0-9]{6})[0-9]+', '\\1'), 'Z$', '+00:00'), '([0-9])([+-][0-9]{2})$', '\\1\\2:00'), '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamp with time zone)
        end as modified_at,
        _version_at as version_at,
        coalesce(_is_deleted, false) as is_deleted,
        _extracted_at as extracted_at,
        _batch_id as batch_id
    from latest
),

newer as (
    select incoming.*
    from typed as incoming
    left join contacts.silver.erp__order as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or (coalesce(incoming.version_at, incoming.extracted_at) > coalesce(known.version_at, known.extracted_at)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted and not known.is_deleted)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted = known.is_deleted
                and incoming.extracted_at > known.extracted_at))
)

select * from newer
