with source as (
    select bronze.*
    from "contacts"."bronze"."salesforce__lead" as bronze
    join "contacts"."pipeline"."bronze_window" as bronze_window
        on bronze_window.object_name = 'salesforce__lead'
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
        nullif(btrim("MasterRecordId", ' ' || chr(9) || chr(13) || chr(10)), '') as "MasterRecordId trimmed",
        nullif(btrim("HasOptedOutOfEmail", ' ' || chr(9) || chr(13) || chr(10)), '') as "HasOptedOutOfEmail trimmed",
        nullif(btrim("DoNotCall", ' ' || chr(9) || chr(13) || chr(10)), '') as "DoNotCall trimmed",
        nullif(btrim("IsConverted", ' ' || chr(9) || chr(13) || chr(10)), '') as "IsConverted trimmed",
        nullif(btrim("ConvertedDate", ' ' || chr(9) || chr(13) || chr(10)), '') as "ConvertedDate trimmed",
        nullif(btrim("ConvertedAccountId", ' ' || chr(9) || chr(13) || chr(10)), '') as "ConvertedAccountId trimmed",
        nullif(btrim("ConvertedContactId", ' ' || chr(9) || chr(13) || chr(10)), '') as "ConvertedContactId trimmed",
        nullif(btrim("ConvertedOpportunityId", ' ' || chr(9) || chr(13) || chr(10)), '') as "ConvertedOpportunityId trimmed",
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
        when (regexp_count("MasterRecordId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("MasterRecordId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "MasterRecordId trimmed"
        when (regexp_count("MasterRecordId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "MasterRecordId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("MasterRecordId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as master_record_id,
        nullif(btrim("Salutation", ' ' || chr(9) || chr(13) || chr(10)), '') as salutation,
        nullif(btrim("FirstName", ' ' || chr(9) || chr(13) || chr(10)), '') as first_name,
        nullif(btrim("LastName", ' ' || chr(9) || chr(13) || chr(10)), '') as last_name,
        nullif(btrim("Email", ' ' || chr(9) || chr(13) || chr(10)), '') as email,
        nullif(btrim("Phone", ' ' || chr(9) || chr(13) || chr(10)), '') as phone,
        nullif(btrim("MobilePhone", ' ' || chr(9) || chr(13) || chr(10)), '') as mobile_phone,
        nullif(btrim("Title", ' ' || chr(9) || chr(13) || chr(10)), '') as job_title,
        nullif(btrim("Company", ' ' || chr(9) || chr(13) || chr(10)), '') as company_name,
        nullif(btrim("Website", ' ' || chr(9) || chr(13) || chr(10)), '') as website,
        nullif(btrim("Industry", ' ' || chr(9) || chr(13) || chr(10)), '') as industry,
        nullif(btrim("LeadSource", ' ' || chr(9) || chr(13) || chr(10)), '') as lead_source,
        nullif(btrim("Status", ' ' || chr(9) || chr(13) || chr(10)), '') as status,
        nullif(btrim("Street", ' ' || chr(9) || chr(13) || chr(10)), '') as street,
        nullif(btrim("City", ' ' || chr(9) || chr(13) || chr(10)), '') as city,
        nullif(btrim("State", ' ' || chr(9) || chr(13) || chr(10)), '') as state,
        nullif(btrim("PostalCode", ' ' || chr(9) || chr(13) || chr(10)), '') as postal_code,
        nullif(btrim("Country", ' ' || chr(9) || chr(13) || chr(10)), '') as country,
        case
            when lower("HasOptedOutOfEmail trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("HasOptedOutOfEmail trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as has_opted_out_of_email,
        case
            when lower("DoNotCall trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("DoNotCall trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as do_not_call,
        case
            when lower("IsConverted trimmed") in ('true', 't', 'yes', 'y', '1') then true
            when lower("IsConverted trimmed") in ('false', 'f', 'no', 'n', '0') then false
        end as is_converted,
        case
            when (regexp_count("ConvertedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$') > 0)
                then try_cast(nullif(regexp_substr("ConvertedDate trimmed", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}'), '') as date)
        end as converted_date,
        case
        when (regexp_count("ConvertedAccountId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("ConvertedAccountId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedAccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedAccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedAccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "ConvertedAccountId trimmed"
        when (regexp_count("ConvertedAccountId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "ConvertedAccountId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedAccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedAccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedAccountId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as converted_account_id,
        case
        when (regexp_count("ConvertedContactId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("ConvertedContactId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "ConvertedContactId trimmed"
        when (regexp_count("ConvertedContactId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "ConvertedContactId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedContactId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as converted_contact_id,
        case
        when (regexp_count("ConvertedOpportunityId trimmed", '^[A-Za-z0-9]{18}$') > 0) and right("ConvertedOpportunityId trimmed", 3) = (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedOpportunityId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedOpportunityId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedOpportunityId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1)) then "ConvertedOpportunityId trimmed"
        when (regexp_count("ConvertedOpportunityId trimmed", '^[A-Za-z0-9]{15}$') > 0) then "ConvertedOpportunityId trimmed" || (substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedOpportunityId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 1, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedOpportunityId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 6, 5) in '000001111101110011010110001010010000'), 1) || substr('AQY245PX13OHTZMWLV0NGDRIUKFSJECB', position(substr(translate("ConvertedOpportunityId trimmed", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'), 11, 5) in '000001111101110011010110001010010000'), 1))
    end as converted_opportunity_id,
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
        "MasterRecordId trimmed" as sent_master_record_id,
        "HasOptedOutOfEmail trimmed" as sent_has_opted_out_of_email,
        "DoNotCall trimmed" as sent_do_not_call,
        "IsConverted trimmed" as sent_is_converted,
        "ConvertedDate trimmed" as sent_converted_date,
        "ConvertedAccountId trimmed" as sent_converted_account_id,
        "ConvertedContactId trimmed" as sent_converted_contact_id,
        "ConvertedOpportunityId trimmed" as sent_converted_opportunity_id,
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
        typed.master_record_id,
        coalesce(picklist_salutation.value, case when lower(typed.salutation) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.salutation end) as salutation,
        typed.first_name,
        typed.last_name,
        case when lower(typed.email) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.email end as email,
        case when lower(typed.phone) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.phone end as phone,
        case when lower(typed.mobile_phone) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.mobile_phone end as mobile_phone,
        typed.job_title,
        case when lower(typed.company_name) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.company_name end as company_name,
        case when lower(typed.website) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.website end as website,
        coalesce(picklist_industry.value, case when lower(typed.industry) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.industry end) as industry,
        coalesce(picklist_lead_source.value, case when lower(typed.lead_source) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.lead_source end) as lead_source,
        coalesce(picklist_status.value, case when lower(typed.status) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then typed.status end) as status,
        typed.street,
        typed.city,
        typed.state,
        typed.postal_code,
        typed.country,
        typed.has_opted_out_of_email,
        typed.do_not_call,
        typed.is_converted,
        typed.converted_date,
        typed.converted_account_id,
        typed.converted_contact_id,
        typed.converted_opportunity_id,
        typed.owner_id,
        typed.created_at,
        typed.modified_at,
        typed.modified_by_id,
        typed.version_at,
        typed.is_deleted,
        typed.extracted_at,
        typed.batch_id,
        case
            when typed.master_record_id is null and typed.sent_master_record_id is not null
                or typed.has_opted_out_of_email is null and typed.sent_has_opted_out_of_email is not null
                or typed.do_not_call is null and typed.sent_do_not_call is not null
                or typed.is_converted is null and typed.sent_is_converted is not null
                or typed.converted_date is null and typed.sent_converted_date is not null
                or typed.converted_account_id is null and typed.sent_converted_account_id is not null
                or typed.converted_contact_id is null and typed.sent_converted_contact_id is not null
                or typed.converted_opportunity_id is null and typed.sent_converted_opportunity_id is not null
                or typed.owner_id is null and typed.sent_owner_id is not null
                or typed.created_at is null and typed.sent_created_at is not null
                or typed.modified_at is null and typed.sent_modified_at is not null
                or typed.modified_by_id is null and typed.sent_modified_by_id is not null
                or typed.salutation is not null and picklist_salutation.value is null
                or typed.lead_source is not null and picklist_lead_source.value is null
                or typed.status is not null and picklist_status.value is null
                or typed.industry is not null and picklist_industry.value is null
            then nullif(case when typed.master_record_id is null and lower(typed.sent_master_record_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'master_record_id|id|' || 'text(' || cast(length(typed.sent_master_record_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.has_opted_out_of_email is null and lower(typed.sent_has_opted_out_of_email) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'has_opted_out_of_email|boolean|' || 'text(' || cast(length(typed.sent_has_opted_out_of_email) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.do_not_call is null and lower(typed.sent_do_not_call) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'do_not_call|boolean|' || 'text(' || cast(length(typed.sent_do_not_call) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.is_converted is null and lower(typed.sent_is_converted) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'is_converted|boolean|' || 'text(' || cast(length(typed.sent_is_converted) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.converted_date is null and lower(typed.sent_converted_date) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'converted_date|date|' || 'text(' || cast(length(typed.sent_converted_date) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.converted_account_id is null and lower(typed.sent_converted_account_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'converted_account_id|id|' || 'text(' || cast(length(typed.sent_converted_account_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.converted_contact_id is null and lower(typed.sent_converted_contact_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'converted_contact_id|id|' || 'text(' || cast(length(typed.sent_converted_contact_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.converted_opportunity_id is null and lower(typed.sent_converted_opportunity_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'converted_opportunity_id|id|' || 'text(' || cast(length(typed.sent_converted_opportunity_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.owner_id is null and lower(typed.sent_owner_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'owner_id|id|' || 'text(' || cast(length(typed.sent_owner_id) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.created_at is null and lower(typed.sent_created_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'created_at|timestamp|' || 'text(' || cast(length(typed.sent_created_at) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.modified_at is null and lower(typed.sent_modified_at) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_at|timestamp|' || 'text(' || cast(length(typed.sent_modified_at) as varchar(65535)) || ')' || ';' else '' end
                || case when typed.modified_by_id is null and lower(typed.sent_modified_by_id) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'modified_by_id|id|' || 'text(' || cast(length(typed.sent_modified_by_id) as varchar(65535)) || ')' || ';' else '' end
                || case when picklist_salutation.value is null and lower(typed.salutation) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'salutation|picklist|' || 'text(' || cast(length(typed.salutation) as varchar(65535)) || ')' || ';' else '' end
                || case when picklist_lead_source.value is null and lower(typed.lead_source) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'lead_source|picklist|' || 'text(' || cast(length(typed.lead_source) as varchar(65535)) || ')' || ';' else '' end
                || case when picklist_status.value is null and lower(typed.status) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'status|picklist|' || 'text(' || cast(length(typed.status) as varchar(65535)) || ')' || ';' else '' end
                || case when picklist_industry.value is null and lower(typed.industry) not in ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown', 'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?') then 'industry|picklist|' || 'text(' || cast(length(typed.industry) as varchar(65535)) || ')' || ';' else '' end, '')
        end as rejected_fields
    from typed as typed
    left join "contacts"."silver"."picklist_value" as picklist_salutation
        on picklist_salutation.object_name = 'salesforce__lead'
        and picklist_salutation.field = 'salutation'
        and picklist_salutation.source_value = lower(typed.salutation)
    left join "contacts"."silver"."picklist_value" as picklist_lead_source
        on picklist_lead_source.object_name = 'salesforce__lead'
        and picklist_lead_source.field = 'lead_source'
        and picklist_lead_source.source_value = lower(typed.lead_source)
    left join "contacts"."silver"."picklist_value" as picklist_status
        on picklist_status.object_name = 'salesforce__lead'
        and picklist_status.field = 'status'
        and picklist_status.source_value = lower(typed.status)
    left join "contacts"."silver"."picklist_value" as picklist_industry
        on picklist_industry.object_name = 'salesforce__lead'
        and picklist_industry.field = 'industry'
        and picklist_industry.source_value = lower(typed.industry)
),

newer as (
    select incoming.*
    from checked as incoming
    left join "contacts"."silver"."salesforce__lead" as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or (coalesce(incoming.version_at, incoming.extracted_at) > coalesce(known.version_at, known.extracted_at)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted and not known.is_deleted)
            or (coalesce(incoming.version_at, incoming.extracted_at) = coalesce(known.version_at, known.extracted_at) and incoming.is_deleted = known.is_deleted
                and incoming.extracted_at > known.extracted_at))
),

refusal as (
    select
        version._instance,
        version._record_id,
        max(version.has_opted_out_of_email_free_at) as has_opted_out_of_email_free_at,
        min(
            case
                when version.has_opted_out_of_email and (version.has_opted_out_of_email_free_at is null or version._extracted_at > version.has_opted_out_of_email_free_at)
                then version._extracted_at
            end
        ) as opted_out_of_email_since,
        max(version.do_not_call_free_at) as do_not_call_free_at,
        min(
            case
                when version.do_not_call and (version.do_not_call_free_at is null or version._extracted_at > version.do_not_call_free_at)
                then version._extracted_at
            end
        ) as do_not_call_since
    from (
        select
            flagged.*,
            max(case when not flagged.has_opted_out_of_email then flagged._extracted_at end)
                over (partition by flagged._instance, flagged._record_id) as has_opted_out_of_email_free_at,
            max(case when not flagged.do_not_call then flagged._extracted_at end)
                over (partition by flagged._instance, flagged._record_id) as do_not_call_free_at
        from (
    select
        _instance,
        _record_id,
        _extracted_at,
        coalesce(case
            when lower(nullif(btrim("HasOptedOutOfEmail", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('true', 't', 'yes', 'y', '1') then true
            when lower(nullif(btrim("HasOptedOutOfEmail", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('false', 'f', 'no', 'n', '0') then false
        end, false) as has_opted_out_of_email,
        coalesce(case
            when lower(nullif(btrim("DoNotCall", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('true', 't', 'yes', 'y', '1') then true
            when lower(nullif(btrim("DoNotCall", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('false', 'f', 'no', 'n', '0') then false
        end, false) as do_not_call
    from (
    select bronze.*
    from "contacts"."bronze"."salesforce__lead" as bronze
    join "contacts"."pipeline"."bronze_window" as bronze_window
        on bronze_window.object_name = 'salesforce__lead'
        and bronze_window.instance = bronze._instance
    where bronze._sequence <= bronze_window.up_to_sequence
        and bronze._sequence > bronze_window.after_sequence
    ) as batch) as flagged
        inner join (
            select _instance, _record_id
            from (
    select
        _instance,
        _record_id,
        _extracted_at,
        coalesce(case
            when lower(nullif(btrim("HasOptedOutOfEmail", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('true', 't', 'yes', 'y', '1') then true
            when lower(nullif(btrim("HasOptedOutOfEmail", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('false', 'f', 'no', 'n', '0') then false
        end, false) as has_opted_out_of_email,
        coalesce(case
            when lower(nullif(btrim("DoNotCall", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('true', 't', 'yes', 'y', '1') then true
            when lower(nullif(btrim("DoNotCall", ' ' || chr(9) || chr(13) || chr(10)), '')) in ('false', 'f', 'no', 'n', '0') then false
        end, false) as do_not_call
    from (
    select bronze.*
    from "contacts"."bronze"."salesforce__lead" as bronze
    join "contacts"."pipeline"."bronze_window" as bronze_window
        on bronze_window.object_name = 'salesforce__lead'
        and bronze_window.instance = bronze._instance
    where bronze._sequence <= bronze_window.up_to_sequence
        and bronze._sequence > bronze_window.after_sequence
    ) as batch) as version
            where version.has_opted_out_of_email or version.do_not_call
            group by _instance, _record_id
        ) as refusing
            on refusing._instance = flagged._instance
            and refusing._record_id = flagged._record_id
    ) as version
    group by version._instance, version._record_id
),

dated as (
    select
        incoming.*,
        case
            when not coalesce(incoming.has_opted_out_of_email, false) then null
            when refused.known_has_opted_out_of_email and refused.has_opted_out_of_email_free_at is null
            then coalesce(refused.known_opted_out_of_email_since, refused.opted_out_of_email_since)
            else refused.opted_out_of_email_since
        end as opted_out_of_email_since,
        case
            when not coalesce(incoming.do_not_call, false) then null
            when refused.known_do_not_call and refused.do_not_call_free_at is null
            then coalesce(refused.known_do_not_call_since, refused.do_not_call_since)
            else refused.do_not_call_since
        end as do_not_call_since
    from newer as incoming
    left join (
        -- First with the few that refuse: what is known of all others is not read.
        select
            refusal.*,
            this.has_opted_out_of_email as known_has_opted_out_of_email,
            this.opted_out_of_email_since as known_opted_out_of_email_since,
            this.do_not_call as known_do_not_call,
            this.do_not_call_since as known_do_not_call_since
        from refusal
        left join "contacts"."silver"."salesforce__lead" as this
            on this.instance = refusal._instance
            and this.record_id = refusal._record_id
    ) as refused
        on refused._instance = incoming.instance
        and refused._record_id = incoming.record_id
),

resolved as (select
        dated.*,
        parent_1.username as owner_username
    from dated
    left join "contacts"."silver"."salesforce__user" as parent_1
        on parent_1.instance = dated.instance
        and parent_1.record_id = dated.owner_id
    union all
    select
        known.instance,
        known.record_id,
        known.master_record_id,
        known.salutation,
        known.first_name,
        known.last_name,
        known.email,
        known.phone,
        known.mobile_phone,
        known.job_title,
        known.company_name,
        known.website,
        known.industry,
        known.lead_source,
        known.status,
        known.street,
        known.city,
        known.state,
        known.postal_code,
        known.country,
        known.has_opted_out_of_email,
        known.do_not_call,
        known.is_converted,
        known.converted_date,
        known.converted_account_id,
        known.converted_contact_id,
        known.converted_opportunity_id,
        known.owner_id,
        known.created_at,
        known.modified_at,
        known.modified_by_id,
        known.version_at,
        known.is_deleted,
        known.extracted_at,
        known.batch_id,
        known.rejected_fields,
        known.opted_out_of_email_since,
        known.do_not_call_since,
        parent_1.username
    from "contacts"."silver"."salesforce__lead" as known
    inner join (
        select child.instance, child.record_id
        from "contacts"."silver"."salesforce__lead" as child
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
            from dated as newer
            where newer.instance = known.instance and newer.record_id = known.record_id
        )
)

select *, (select cast(number as bigint) from "contacts"."pipeline"."refresh") as changed_in from resolved
