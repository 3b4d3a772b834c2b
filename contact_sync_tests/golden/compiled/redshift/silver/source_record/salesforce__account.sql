with source as (
    select bronze.*
    from "contacts"."bronze"."salesforce__account" as bronze
    join "contacts"."pipeline"."bronze_window" as bronze_window
        on bronze_window.object_name = 'salesforce__account'
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
        nullif(btrim("ParentId", ' ' || chr(9) || chr(13) || chr(10)), '') as "ParentId trimmed",
        nullif(btrim("MasterRecordId", ' ' || chr(9) || chr(13) || chr(10)), '') as "MasterRecordId trimmed",
        nullif(btrim("IsPersonAccount", ' ' || chr(9) || chr(13) || chr(10)), '') as "IsPersonAccount trimmed",
        nullif(btrim("PersonContactId", ' ' || chr(9) || chr(13) || chr(10)), '') as "PersonContactId trimmed",
        nullif(btrim("AnnualRevenue", ' ' || chr(9) || chr(13) || chr(10)), '') as "AnnualRevenue trimmed",
        nullif(btrim("NumberOfEmployees", ' ' || chr(9) || chr(13) || chr(10)), '') as "NumberOfEmployees trimmed",
        nullif(btrim("OwnerId", ' ' || chr(9) || chr(13) || chr(10)), '') as "OwnerId trimmed",
        nullif(btrim("CreatedDate", ' ' || chr(9) || chr(13) || chr(10)), '') as "CreatedDate trimmed",
        nullif(btrim("LastModifiedDate", ' ' || chr(9) || chr(13) || chr(10)), '') as "LastModifiedDate trimmed",
        nullif(btrim("LastModifiedById", ' ' || chr(9) || chr(13) || chr(10)), '') as "LastModifiedById trimmed"
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
        when (regexp_count("ParentId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("ParentId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ParentId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ParentId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ParentId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "ParentId trimmed"
        when (regexp_count("ParentId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "ParentId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ParentId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ParentId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ParentId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as parent_id,
        case
        when (regexp_count("MasterRecordId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("MasterRecordId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "MasterRecordId trimmed"
        when (regexp_count("MasterRecordId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "MasterRecordId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as master_record_id,
        nullif(btrim("Name", ' ' || chr(9) || chr(13) || chr(10)), '') as name,
        case
            when lower("IsPersonAccount trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("IsPersonAccount trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as is_person_account,
        case
        when (regexp_count("PersonContactId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("PersonContactId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("PersonContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("PersonContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("PersonContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "PersonContactId trimmed"
        when (regexp_count("PersonContactId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "PersonContactId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("PersonContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("PersonContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("PersonContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as person_contact_id,
        nullif(btrim("AccountNumber", ' ' || chr(9) || chr(13) || chr(10)), '') as account_number,
        nullif(btrim("Type", ' ' || chr(9) || chr(13) || chr(10)), '') as account_type,
        nullif(btrim("Industry", ' ' || chr(9) || chr(13) || chr(10)), '') as industry,
        case when (regexp_count("AnnualRevenue trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("AnnualRevenue trimmed" as decimal(18, 2)) end as annual_revenue,
        nullif(btrim("CurrencyIsoCode", ' ' || chr(9) || chr(13) || chr(10)), '') as annual_revenue_currency,
        case
            when round(case when (regexp_count("NumberOfEmployees trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("NumberOfEmployees trimmed" as decimal(38, 9)) end) between -9223372036854775808 and 9223372036854775807
                then cast(round(case when (regexp_count("NumberOfEmployees trimmed", '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') > 0) then try_cast("NumberOfEmployees trimmed" as decimal(38, 9)) end) as bigint)
        end as employee_count,
        nullif(btrim("Phone", ' ' || chr(9) || chr(13) || chr(10)), '') as phone,
        nullif(btrim("Website", ' ' || chr(9) || chr(13) || chr(10)), '') as website,
        nullif(btrim("BillingStreet", ' ' || chr(9) || chr(13) || chr(10)), '') as street,
        nullif(btrim("BillingCity", ' ' || chr(9) || chr(13) || chr(10)), '') as city,
        nullif(btrim("BillingState", ' ' || chr(9) || chr(13) || chr(10)), '') as state,
        nullif(btrim("BillingPostalCode", ' ' || chr(9) || chr(13) || chr(10)), '') as postal_code,
        nullif(btrim("BillingCountry", ' ' || chr(9) || chr(13) || chr(10)), '') as country,
        nullif(btrim("Description", ' ' || chr(9) || chr(13) || chr(10)), '') as description,
        nullif(btrim("Contact_Sync_Key__c", ' ' || chr(9) || chr(13) || chr(10)), '') as contact_sync_key,
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
        "ParentId trimmed" as sent_parent_id,
        "MasterRecordId trimmed" as sent_master_record_id,
        "IsPersonAccount trimmed" as sent_is_person_account,
        "PersonContactId trimmed" as sent_person_contact_id,
        "AnnualRevenue trimmed" as sent_annual_revenue,
        "NumberOfEmployees trimmed" as sent_employee_count,
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
        typed.parent_id,
        typed.master_record_id,
        typed.name,
        typed.is_person_account,
        typed.person_contact_id,
        case when lower(typed.account_number) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.account_number end as account_number,
        typed.account_type,
        coalesce(picklist_industry.value, case when lower(typed.industry) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.industry end) as industry,
        typed.annual_revenue,
        case when lower(typed.annual_revenue_currency) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.annual_revenue_currency end as annual_revenue_currency,
        case when typed.employee_count >= 0 then typed.employee_count end as employee_count,
        case when lower(typed.phone) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.phone end as phone,
        case when lower(typed.website) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.website end as website,
        typed.street,
        typed.city,
        typed.state,
        typed.postal_code,
        typed.country,
        typed.description,
        typed.contact_sync_key,
        typed.owner_id,
        typed.created_at,
        typed.modified_at,
        typed.modified_by_id,
        typed.version_at,
        typed.is_deleted,
        typed.extracted_at,
        typed.batch_id,
        case
            when typed.parent_id is null and typed.sent_parent_id is not null
                or typed.master_record_id is null and typed.sent_master_record_id is not null
                or typed.is_person_account is null and typed.sent_is_person_account is not null
                or typed.person_contact_id is null and typed.sent_person_contact_id is not null
                or typed.annual_revenue is null and typed.sent_annual_revenue is not null
                or typed.employee_count is null and typed.sent_employee_count is not null
                or typed.owner_id is null and typed.sent_owner_id is not null
                or typed.created_at is null and typed.sent_created_at is not null
                or typed.modified_at is null and typed.sent_modified_at is not null
                or typed.modified_by_id is null and typed.sent_modified_by_id is not null
                or not (typed.employee_count >= 0)
                or typed.industry is not null and picklist_industry.value is null
            then nullif(case when typed.parent_id is null and lower(typed.sent_parent_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'parent_id|id|' || 'text(' || cast(length(typed.sent_parent_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.master_record_id is null and lower(typed.sent_master_record_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'master_record_id|id|' || 'text(' || cast(length(typed.sent_master_record_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.is_person_account is null and lower(typed.sent_is_person_account) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'is_person_account|boolean|' || 'text(' || cast(length(typed.sent_is_person_account) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.person_contact_id is null and lower(typed.sent_person_contact_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'person_contact_id|id|' || 'text(' || cast(length(typed.sent_person_contact_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.annual_revenue is null and lower(typed.sent_annual_revenue) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'annual_revenue|decimal(18, 2)|' || 'text(' || cast(length(typed.sent_annual_revenue) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.employee_count is null and lower(typed.sent_employee_count) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'employee_count|bigint|' || 'text(' || cast(length(typed.sent_employee_count) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.owner_id is null and lower(typed.sent_owner_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'owner_id|id|' || 'text(' || cast(length(typed.sent_owner_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.created_at is null and lower(typed.sent_created_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'created_at|timestamp|' || 'text(' || cast(length(typed.sent_created_at) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.modified_at is null and lower(typed.sent_modified_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_at|timestamp|' || 'text(' || cast(length(typed.sent_modified_at) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.modified_by_id is null and lower(typed.sent_modified_by_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_by_id|id|' || 'text(' || cast(length(typed.sent_modified_by_id) as varchar(65535)) || ')' || ';' else '' end
                || case when not (typed.employee_count >= 0) then 'employee_count|>= 0|' || 'bigint' || ';' else '' end
                || case when picklist_industry.value is null and lower(typed.industry) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'industry|picklist|' || 'text(' || cast(length(typed.industry) as varchar(65535)) || ')' || ';' else '' end, '')
        end as rejected_fields
    from typed as typed
    left join "contacts"."silver"."picklist_value" as picklist_industry
        on picklist_industry.object_name = 'salesforce__account'
        and picklist_industry.field = 'industry'
        and picklist_industry.source_value = lower(typed.industry)
),

newer as (
    select incoming.*
    from checked as incoming
    left join "contacts"."silver"."salesforce__account" as known
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
        parent_1.username as owner_username
    from newer
    left join "contacts"."silver"."salesforce__user" as parent_1
        on parent_1.instance = newer.instance
        and parent_1.record_id = newer.owner_id
    union all
    select
        known.instance,
        known.record_id,
        known.parent_id,
        known.master_record_id,
        known.name,
        known.is_person_account,
        known.person_contact_id,
        known.account_number,
        known.account_type,
        known.industry,
        known.annual_revenue,
        known.annual_revenue_currency,
        known.employee_count,
        known.phone,
        known.website,
        known.street,
        known.city,
        known.state,
        known.postal_code,
        known.country,
        known.description,
        known.contact_sync_key,
        known.owner_id,
        known.created_at,
        known.modified_at,
        known.modified_by_id,
        known.version_at,
        known.is_deleted,
        known.extracted_at,
        known.batch_id,
        known.rejected_fields,
        parent_1.username
    from "contacts"."silver"."salesforce__account" as known
    inner join (
        select child.instance, child.record_id
        from "contacts"."silver"."salesforce__account" as child
        inner join "contacts"."bronze"."salesforce__user" as bronze
            on bronze._instance = child.instance
            and bronze._record_id = child.owner_id
        inner join "contacts"."pipeline"."bronze_window" as bronze_window
            on bronze_window.object_name = 'salesforce__user'
            and bronze_window.instance = bronze._instance
        where bronze._sequence > bronze_window.after_sequence and bronze._sequence <= bronze_window.up_to_sequence
         group by child.instance, child.record_id
    ) as touched
        on touched.instance = known.instance
        and touched.record_id = known.record_id
    left join "contacts"."silver"."salesforce__user" as parent_1
        on parent_1.instance = known.instance
        and parent_1.record_id = known.owner_id
    where (
        coalesce(known.owner_username, '') <> coalesce(parent_1.username, '')
    )
        and not exists (
            select 1
            from newer as newer
            where newer.instance = known.instance and newer.record_id = known.record_id
        )
)

select *, (select cast(number as bigint) from "contacts"."pipeline"."refresh") as changed_in from resolved
