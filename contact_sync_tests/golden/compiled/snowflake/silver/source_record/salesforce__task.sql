with source as (
    select bronze.*
    from contacts.bronze.salesforce__task as bronze
    join contacts.pipeline.bronze_window as bronze_window
        on bronze_window.object_name = 'salesforce__task'
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
        nullif(ltrim(rtrim("WhoId", ' \t\r\n'), ' \t\r\n'), '') as "WhoId trimmed",
        nullif(ltrim(rtrim("WhatId", ' \t\r\n'), ' \t\r\n'), '') as "WhatId trimmed",
        nullif(ltrim(rtrim("AccountId", ' \t\r\n'), ' \t\r\n'), '') as "AccountId trimmed",
        nullif(ltrim(rtrim("ActivityDate", ' \t\r\n'), ' \t\r\n'), '') as "ActivityDate trimmed",
        nullif(ltrim(rtrim("IsClosed", ' \t\r\n'), ' \t\r\n'), '') as "IsClosed trimmed",
        nullif(ltrim(rtrim("CallDurationInSeconds", ' \t\r\n'), ' \t\r\n'), '') as "CallDurationInSeconds trimmed",
        nullif(ltrim(rtrim("OwnerId", ' \t\r\n'), ' \t\r\n'), '') as "OwnerId trimmed",
        nullif(ltrim(rtrim("CreatedDate", ' \t\r\n'), ' \t\r\n'), '') as "CreatedDate trimmed",
        nullif(ltrim(rtrim("LastModifiedDate", ' \t\r\n'), ' \t\r\n'), '') as "LastModifiedDate trimmed",
        nullif(ltrim(rtrim("LastModifiedById", ' \t\r\n'), ' \t\r\n'), '') as "LastModifiedById trimmed"
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
        case
        when (regexp_count("WhoId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("WhoId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhoId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhoId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhoId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "WhoId trimmed"
        when (regexp_count("WhoId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "WhoId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhoId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhoId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhoId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as who_id,
        case
        when (regexp_count("WhatId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("WhatId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhatId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhatId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhatId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "WhatId trimmed"
        when (regexp_count("WhatId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "WhatId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhatId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhatId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("WhatId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as what_id,
        case
        when (regexp_count("AccountId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("AccountId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "AccountId trimmed"
        when (regexp_count("AccountId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "AccountId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as account_id,
        nullif(ltrim(rtrim("Subject", ' \t\r\n'), ' \t\r\n'), '') as subject,
        case
            when (regexp_count("ActivityDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$') > 0)
                then try_cast(nullif(regexp_substr("ActivityDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}'), '') as date)
        end as activity_date,
        nullif(ltrim(rtrim("Status", ' \t\r\n'), ' \t\r\n'), '') as status,
        nullif(ltrim(rtrim("Priority", ' \t\r\n'), ' \t\r\n'), '') as priority,
        nullif(ltrim(rtrim("TaskSubtype", ' \t\r\n'), ' \t\r\n'), '') as task_type,
        case
            when lower("IsClosed trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("IsClosed trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as is_closed,
        case
            when round(case when (regexp_count("CallDurationInSeconds trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("CallDurationInSeconds trimmed" as decimal(38, 9)) end) between -9223372036854775808 and 9223372036854775807
                then cast(round(case when (regexp_count("CallDurationInSeconds trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("CallDurationInSeconds trimmed" as decimal(38, 9)) end) as bigint)
        end as call_seconds,
        nullif(ltrim(rtrim("Description", ' \t\r\n'), ' \t\r\n'), '') as description,
        case
        when (regexp_count("OwnerId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("OwnerId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("OwnerId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("OwnerId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("OwnerId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "OwnerId trimmed"
        when (regexp_count("OwnerId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "OwnerId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("OwnerId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("OwnerId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("OwnerId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as owner_id,
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
        case
        when (regexp_count("LastModifiedById trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("LastModifiedById trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("LastModifiedById trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("LastModifiedById trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("LastModifiedById trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "LastModifiedById trimmed"
        when (regexp_count("LastModifiedById trimmed", '^[A-Za-z0-9]{15}$') > 0) then "LastModifiedById trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("LastModifiedById trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("LastModifiedById trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("LastModifiedById trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as modified_by_id,
        "WhoId trimmed" as sent_who_id,
        "WhatId trimmed" as sent_what_id,
        "AccountId trimmed" as sent_account_id,
        "ActivityDate trimmed" as sent_activity_date,
        "IsClosed trimmed" as sent_is_closed,
        "CallDurationInSeconds trimmed" as sent_call_seconds,
        "OwnerId trimmed" as sent_owner_id,
        "CreatedDate trimmed" as sent_created_at,
        "LastModifiedDate trimmed" as sent_modified_at,
        "LastModifiedById trimmed" as sent_modified_by_id,
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
        typed.who_id,
        typed.what_id,
        typed.account_id,
        typed.subject,
        case when typed.activity_date between '1900-01-01' and '2199-12-31' then typed.activity_date end as activity_date,
        coalesce(picklist_status.value, case when lower(typed.status) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.status end) as status,
        coalesce(picklist_priority.value, case when lower(typed.priority) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.priority end) as priority,
        typed.task_type,
        typed.is_closed,
        case when typed.call_seconds >= 0 then typed.call_seconds end as call_seconds,
        typed.description,
        typed.owner_id,
        typed.created_at,
        typed.modified_at,
        typed.modified_by_id,
        typed.version_at,
        typed.is_deleted,
        typed.extracted_at,
        typed.batch_id,
        case
            when typed.who_id is null and typed.sent_who_id is not null
                or typed.what_id is null and typed.sent_what_id is not null
                or typed.account_id is null and typed.sent_account_id is not null
                or typed.activity_date is null and typed.sent_activity_date is not null
                or typed.is_closed is null and typed.sent_is_closed is not null
                or typed.call_seconds is null and typed.sent_call_seconds is not null
                or typed.owner_id is null and typed.sent_owner_id is not null
                or typed.created_at is null and typed.sent_created_at is not null
                or typed.modified_at is null and typed.sent_modified_at is not null
                or typed.modified_by_id is null and typed.sent_modified_by_id is not null
                or not (typed.call_seconds >= 0)
                or not (typed.activity_date between '1900-01-01' and '2199-12-31')
                or typed.status is not null and picklist_status.value is null
                or typed.priority is not null and picklist_priority.value is null
            then nullif(case when typed.who_id is null and lower(typed.sent_who_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'who_id|id|' || 'text(' || cast(length(typed.sent_who_id) as varchar) || ')' || ';' else '' end
                || case when typed.what_id is null and lower(typed.sent_what_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'what_id|id|' || 'text(' || cast(length(typed.sent_what_id) as varchar) || ')' || ';' else '' end
                || case when typed.account_id is null and lower(typed.sent_account_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'account_id|id|' || 'text(' || cast(length(typed.sent_account_id) as varchar) || ')' || ';' else '' end
                || case when typed.activity_date is null and lower(typed.sent_activity_date) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'activity_date|date|' || 'text(' || cast(length(typed.sent_activity_date) as varchar) || ')' || ';' else '' end
                || case when typed.is_closed is null and lower(typed.sent_is_closed) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'is_closed|boolean|' || 'text(' || cast(length(typed.sent_is_closed) as varchar) || ')' || ';' else '' end
                || case when typed.call_seconds is null and lower(typed.sent_call_seconds) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'call_seconds|bigint|' || 'text(' || cast(length(typed.sent_call_seconds) as varchar) || ')' || ';' else '' end
                || case when typed.owner_id is null and lower(typed.sent_owner_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'owner_id|id|' || 'text(' || cast(length(typed.sent_owner_id) as varchar) || ')' || ';' else '' end
                || case when typed.created_at is null and lower(typed.sent_created_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'created_at|timestamp|' || 'text(' || cast(length(typed.sent_created_at) as varchar) || ')' || ';' else '' end
                || case when typed.modified_at is null and lower(typed.sent_modified_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_at|timestamp|' || 'text(' || cast(length(typed.sent_modified_at) as varchar) || ')' || ';' else '' end
                || case when typed.modified_by_id is null and lower(typed.sent_modified_by_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_by_id|id|' || 'text(' || cast(length(typed.sent_modified_by_id) as varchar) || ')' || ';' else '' end
                || case when not (typed.call_seconds >= 0) then 'call_seconds|>= 0|' || 'bigint' || ';' else '' end
                || case when not (typed.activity_date between '1900-01-01' and '2199-12-31') then 'activity_date|between ''1900-01-01'' and ''2199-12-31''|' || 'date' || ';' else '' end
                || case when picklist_status.value is null and lower(typed.status) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'status|picklist|' || 'text(' || cast(length(typed.status) as varchar) || ')' || ';' else '' end
                || case when picklist_priority.value is null and lower(typed.priority) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'priority|picklist|' || 'text(' || cast(length(typed.priority) as varchar) || ')' || ';' else '' end, '')
        end as rejected_fields
    from typed as typed
    left join contacts.silver.picklist_value as picklist_status
        on picklist_status.object_name = 'salesforce__task'
        and picklist_status.field = 'status'
        and picklist_status.source_value = lower(typed.status)
    left join contacts.silver.picklist_value as picklist_priority
        on picklist_priority.object_name = 'salesforce__task'
        and picklist_priority.field = 'priority'
        and picklist_priority.source_value = lower(typed.priority)
),

newer as (
    select incoming.*
    from checked as incoming
    left join contacts.silver.salesforce__task as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or (coalesce(incoming.version_at, incoming.extracted_at) > coalesce(known.version_at, known.extracted_at)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted and not known.is_deleted)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted = known.is_deleted
                and incoming.extracted_at > known.extracted_at))
),

resolved as (select
        newer.*,
        parent_1.account_number as account_number,
        parent_2.username as owner_username
    from newer
    left join contacts.silver.salesforce__account as parent_1
        on parent_1.instance = newer.instance
        and parent_1.record_id = newer.account_id
    left join contacts.silver.salesforce__user as parent_2
        on parent_2.instance = newer.instance
        and parent_2.record_id = newer.owner_id
    union all
    select
        known.instance,
        known.record_id,
        known.who_id,
        known.what_id,
        known.account_id,
        known.subject,
        known.activity_date,
        known.status,
        known.priority,
        known.task_type,
        known.is_closed,
        known.call_seconds,
        known.description,
        known.owner_id,
        known.created_at,
        known.modified_at,
        known.modified_by_id,
        known.version_at,
        known.is_deleted,
        known.extracted_at,
        known.batch_id,
        known.rejected_fields,
        parent_1.account_number,
        parent_2.username
    from contacts.silver.salesforce__task as known
    inner join (
        select child.instance, child.record_id
        from contacts.silver.salesforce__task as child
        inner join contacts.bronze.salesforce__account as bronze
            on bronze._instance = child.instance
            and bronze._record_id = child.account_id
        inner join contacts.pipeline.bronze_window as bronze_window
            on bronze_window.object_name = 'salesforce__account'
            and bronze_window.instance = bronze._instance
        where bronze._sequence > bronze_window.after_sequence and bronze._sequence <= bronze_window.up_to_sequence
        union
        select child.instance, child.record_id
        from contacts.silver.salesforce__task as child
        inner join contacts.bronze.salesforce__user as bronze
            on bronze._instance = child.instance
            and bronze._record_id = child.owner_id
        inner join contacts.pipeline.bronze_window as bronze_window
            on bronze_window.object_name = 'salesforce__user'
            and bronze_window.instance = bronze._instance
        where bronze._sequence > bronze_window.after_sequence and bronze._sequence <= bronze_window.up_to_sequence
        
    ) as touched
        on touched.instance = known.instance
        and touched.record_id = known.record_id
    left join contacts.silver.salesforce__account as parent_1
        on parent_1.instance = known.instance
        and parent_1.record_id = known.account_id
    left join contacts.silver.salesforce__user as parent_2
        on parent_2.instance = known.instance
        and parent_2.record_id = known.owner_id
    where (
        coalesce(known.account_number, '') <> coalesce(parent_1.account_number, '') or
        coalesce(known.owner_username, '') <> coalesce(parent_2.username, '')
    )
        and not exists (
            select 1
            from newer as newer
            where newer.instance = known.instance and newer.record_id = known.record_id
        )
)

select * from resolved
