with source as (
    select bronze.*
    from contacts.bronze.salesforce__opportunity as bronze
    join contacts.pipeline.bronze_window as bronze_window
        on bronze_window.object_name = 'salesforce__opportunity'
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
        nullif(ltrim(rtrim("AccountId", ' \t\r\n'), ' \t\r\n'), '') as "AccountId trimmed",
        nullif(ltrim(rtrim("ContactId", ' \t\r\n'), ' \t\r\n'), '') as "ContactId trimmed",
        nullif(ltrim(rtrim("Amount", ' \t\r\n'), ' \t\r\n'), '') as "Amount trimmed",
        nullif(ltrim(rtrim("Probability", ' \t\r\n'), ' \t\r\n'), '') as "Probability trimmed",
        nullif(ltrim(rtrim("CloseDate", ' \t\r\n'), ' \t\r\n'), '') as "CloseDate trimmed",
        nullif(ltrim(rtrim("IsClosed", ' \t\r\n'), ' \t\r\n'), '') as "IsClosed trimmed",
        nullif(ltrim(rtrim("IsWon", ' \t\r\n'), ' \t\r\n'), '') as "IsWon trimmed",
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
        when (regexp_count("AccountId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("AccountId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "AccountId trimmed"
        when (regexp_count("AccountId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "AccountId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("AccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as account_id,
        case
        when (regexp_count("ContactId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("ContactId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "ContactId trimmed"
        when (regexp_count("ContactId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "ContactId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as contact_id,
        nullif(ltrim(rtrim("Name", ' \t\r\n'), ' \t\r\n'), '') as name,
        nullif(ltrim(rtrim("StageName", ' \t\r\n'), ' \t\r\n'), '') as stage_name,
        case when (regexp_count("Amount trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("Amount trimmed" as decimal(18, 2)) end as amount,
        nullif(ltrim(rtrim("CurrencyIsoCode", ' \t\r\n'), ' \t\r\n'), '') as amount_currency,
        case when (regexp_count("Probability trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("Probability trimmed" as decimal(18, 2)) end as probability_percent,
        case
            when (regexp_count("CloseDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$') > 0)
                then try_cast(nullif(regexp_substr("CloseDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}'), '') as date)
        end as close_date,
        nullif(ltrim(rtrim("Type", ' \t\r\n'), ' \t\r\n'), '') as opportunity_type,
        nullif(ltrim(rtrim("LeadSource", ' \t\r\n'), ' \t\r\n'), '') as lead_source,
        case
            when lower("IsClosed trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("IsClosed trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as is_closed,
        case
            when lower("IsWon trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("IsWon trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as is_won,
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
        "AccountId trimmed" as sent_account_id,
        "ContactId trimmed" as sent_contact_id,
        "Amount trimmed" as sent_amount,
        "Probability trimmed" as sent_probability_percent,
        "CloseDate trimmed" as sent_close_date,
        "IsClosed trimmed" as sent_is_closed,
        "IsWon trimmed" as sent_is_won,
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
        typed.account_id,
        typed.contact_id,
        typed.name,
        coalesce(picklist_stage_name.value, case when lower(typed.stage_name) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.stage_name end) as stage_name,
        typed.amount,
        case when lower(typed.amount_currency) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.amount_currency end as amount_currency,
        case when typed.probability_percent between 0 and 100 then typed.probability_percent end as probability_percent,
        case when typed.close_date between '1900-01-01' and '2199-12-31' then typed.close_date end as close_date,
        typed.opportunity_type,
        coalesce(picklist_lead_source.value, case when lower(typed.lead_source) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.lead_source end) as lead_source,
        typed.is_closed,
        typed.is_won,
        typed.owner_id,
        typed.created_at,
        typed.modified_at,
        typed.modified_by_id,
        typed.version_at,
        typed.is_deleted,
        typed.extracted_at,
        typed.batch_id,
        case
            when typed.account_id is null and typed.sent_account_id is not null
                or typed.contact_id is null and typed.sent_contact_id is not null
                or typed.amount is null and typed.sent_amount is not null
                or typed.probability_percent is null and typed.sent_probability_percent is not null
                or typed.close_date is null and typed.sent_close_date is not null
                or typed.is_closed is null and typed.sent_is_closed is not null
                or typed.is_won is null and typed.sent_is_won is not null
                or typed.owner_id is null and typed.sent_owner_id is not null
                or typed.created_at is null and typed.sent_created_at is not null
                or typed.modified_at is null and typed.sent_modified_at is not null
                or typed.modified_by_id is null and typed.sent_modified_by_id is not null
                or not (typed.probability_percent between 0 and 100)
                or not (typed.close_date between '1900-01-01' and '2199-12-31')
                or typed.stage_name is not null and picklist_stage_name.value is null
                or typed.lead_source is not null and picklist_lead_source.value is null
            then nullif(case when typed.account_id is null and lower(typed.sent_account_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'account_id|id|' || 'text(' || cast(length(typed.sent_account_id) as varchar) || ')' || ';' else '' end
                || case when typed.contact_id is null and lower(typed.sent_contact_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'contact_id|id|' || 'text(' || cast(length(typed.sent_contact_id) as varchar) || ')' || ';' else '' end
                || case when typed.amount is null and lower(typed.sent_amount) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'amount|decimal(18, 2)|' || 'text(' || cast(length(typed.sent_amount) as varchar) || ')' || ';' else '' end
                || case when typed.probability_percent is null and lower(typed.sent_probability_percent) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'probability_percent|decimal(18, 2)|' || 'text(' || cast(length(typed.sent_probability_percent) as varchar) || ')' || ';' else '' end
                || case when typed.close_date is null and lower(typed.sent_close_date) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'close_date|date|' || 'text(' || cast(length(typed.sent_close_date) as varchar) || ')' || ';' else '' end
                || case when typed.is_closed is null and lower(typed.sent_is_closed) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'is_closed|boolean|' || 'text(' || cast(length(typed.sent_is_closed) as varchar) || ')' || ';' else '' end
                || case when typed.is_won is null and lower(typed.sent_is_won) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'is_won|boolean|' || 'text(' || cast(length(typed.sent_is_won) as varchar) || ')' || ';' else '' end
                || case when typed.owner_id is null and lower(typed.sent_owner_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'owner_id|id|' || 'text(' || cast(length(typed.sent_owner_id) as varchar) || ')' || ';' else '' end
                || case when typed.created_at is null and lower(typed.sent_created_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'created_at|timestamp|' || 'text(' || cast(length(typed.sent_created_at) as varchar) || ')' || ';' else '' end
                || case when typed.modified_at is null and lower(typed.sent_modified_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_at|timestamp|' || 'text(' || cast(length(typed.sent_modified_at) as varchar) || ')' || ';' else '' end
                || case when typed.modified_by_id is null and lower(typed.sent_modified_by_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_by_id|id|' || 'text(' || cast(length(typed.sent_modified_by_id) as varchar) || ')' || ';' else '' end
                || case when not (typed.probability_percent between 0 and 100) then 'probability_percent|between 0 and 100|' || 'decimal(18, 2)' || ';' else '' end
                || case when not (typed.close_date between '1900-01-01' and '2199-12-31') then 'close_date|between ''1900-01-01'' and ''2199-12-31''|' || 'date' || ';' else '' end
                || case when picklist_stage_name.value is null and lower(typed.stage_name) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'stage_name|picklist|' || 'text(' || cast(length(typed.stage_name) as varchar) || ')' || ';' else '' end
                || case when picklist_lead_source.value is null and lower(typed.lead_source) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'lead_source|picklist|' || 'text(' || cast(length(typed.lead_source) as varchar) || ')' || ';' else '' end, '')
        end as rejected_fields
    from typed as typed
    left join contacts.silver.picklist_value as picklist_stage_name
        on picklist_stage_name.object_name = 'salesforce__opportunity'
        and picklist_stage_name.field = 'stage_name'
        and picklist_stage_name.source_value = lower(typed.stage_name)
    left join contacts.silver.picklist_value as picklist_lead_source
        on picklist_lead_source.object_name = 'salesforce__opportunity'
        and picklist_lead_source.field = 'lead_source'
        and picklist_lead_source.source_value = lower(typed.lead_source)
),

newer as (
    select incoming.*
    from checked as incoming
    left join contacts.silver.salesforce__opportunity as known
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
        known.account_id,
        known.contact_id,
        known.name,
        known.stage_name,
        known.amount,
        known.amount_currency,
        known.probability_percent,
        known.close_date,
        known.opportunity_type,
        known.lead_source,
        known.is_closed,
        known.is_won,
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
    from contacts.silver.salesforce__opportunity as known
    inner join (
        select child.instance, child.record_id
        from contacts.silver.salesforce__opportunity as child
        inner join contacts.bronze.salesforce__account as bronze
            on bronze._instance = child.instance
            and bronze._record_id = child.account_id
        inner join contacts.pipeline.bronze_window as bronze_window
            on bronze_window.object_name = 'salesforce__account'
            and bronze_window.instance = bronze._instance
        where bronze._sequence > bronze_window.after_sequence and bronze._sequence <= bronze_window.up_to_sequence
        union
        select child.instance, child.record_id
        from contacts.silver.salesforce__opportunity as child
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
