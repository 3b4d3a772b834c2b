with link as (
    select record_key, person_key from "contacts"."identity"."person_link"
    where person_key in (select person_key from "contacts"."identity"."person_change" where changed_in > -1)
),

record as (
    select
        link.person_key,
        contact_record.record_key,
        contact_record.object_name,
        split_part(contact_record.object_name, '__', 1) || '/' || contact_record.instance as system_name,
        contact_record.version_at,
        contact_record.first_name,
        contact_record.last_name,
        contact_record.email,
        contact_record.phone,
        contact_record.mobile_phone,
        contact_record.job_title,
        contact_record.street,
        contact_record.city,
        contact_record.state,
        contact_record.postal_code,
        contact_record.country,
        company_link.company_key,
        contact_record.has_opted_out_of_email,
        contact_record.opted_out_of_email_since,
        contact_record.do_not_call,
        contact_record.do_not_call_since
    from "contacts"."silver"."contact_record" as contact_record
    inner join link
        on link.record_key = contact_record.record_key
    left join "contacts"."identity"."company_link" as company_link
        on company_link.record_key = contact_record.account_record_key
),

several as (
    select person_key from record group by person_key having count(*) > 1
),

contested as (
    select * from (select * from "contacts"."gold"."contact_field" where person_key in (select person_key from "contacts"."identity"."person_change" where changed_in > -1)) as field_of_key where is_contested
),

compared as (
    select person_key from several
    union
    select person_key from contested
),

counted as (
    select
        record.person_key,
        count(*) as record_count,
        count(distinct record.system_name) as system_count,
        max(record.version_at) as updated_at
    from record
    inner join compared on compared.person_key = record.person_key
    group by record.person_key
),

from_fields as (
    select
        person_key,
        max(case when field = 'first_name' then value end) as first_name,
        max(case when field = 'first_name' then source_record_key end) as first_name_source,
        max(case when field = 'last_name' then value end) as last_name,
        max(case when field = 'last_name' then source_record_key end) as last_name_source,
        max(case when field = 'email' then value end) as email,
        max(case when field = 'email' then source_record_key end) as email_source,
        max(case when field = 'phone' then value end) as phone,
        max(case when field = 'phone' then source_record_key end) as phone_source,
        max(case when field = 'mobile_phone' then value end) as mobile_phone,
        max(case when field = 'mobile_phone' then source_record_key end) as mobile_phone_source,
        max(case when field = 'job_title' then value end) as job_title,
        max(case when field = 'job_title' then source_record_key end) as job_title_source,
        max(case when field = 'street' then value end) as street,
        max(case when field = 'street' then source_record_key end) as street_source,
        max(case when field = 'city' then value end) as city,
        max(case when field = 'city' then source_record_key end) as city_source,
        max(case when field = 'state' then value end) as state,
        max(case when field = 'state' then source_record_key end) as state_source,
        max(case when field = 'postal_code' then value end) as postal_code,
        max(case when field = 'postal_code' then source_record_key end) as postal_code_source,
        max(case when field = 'country' then value end) as country,
        max(case when field = 'country' then source_record_key end) as country_source,
        max(case when field = 'company_key' then value end) as company_key,
        max(case when field = 'company_key' then source_record_key end) as company_key_source
    from contested
    group by person_key
),

-- The objects that supply values, and of which fields.
supplier as (
    select
        source_object,
        max(case when field = 'first_name' then 1 else 0 end) as of_first_name,
        max(case when field = 'last_name' then 1 else 0 end) as of_last_name,
        max(case when field = 'email' then 1 else 0 end) as of_email,
        max(case when field = 'phone' then 1 else 0 end) as of_phone,
        max(case when field = 'mobile_phone' then 1 else 0 end) as of_mobile_phone,
        max(case when field = 'job_title' then 1 else 0 end) as of_job_title,
        max(case when field = 'street' then 1 else 0 end) as of_street,
        max(case when field = 'city' then 1 else 0 end) as of_city,
        max(case when field = 'state' then 1 else 0 end) as of_state,
        max(case when field = 'postal_code' then 1 else 0 end) as of_postal_code,
        max(case when field = 'country' then 1 else 0 end) as of_country,
        max(case when field = 'company_key' then 1 else 0 end) as of_company_key
    from "contacts"."pipeline"."golden_rule"
    where entity = 'contact'
    group by source_object
),

golden as (
    select
        counted.person_key,
        from_fields.first_name,
        from_fields.first_name_source,
        from_fields.last_name,
        from_fields.last_name_source,
        from_fields.email,
        from_fields.email_source,
        from_fields.phone,
        from_fields.phone_source,
        from_fields.mobile_phone,
        from_fields.mobile_phone_source,
        from_fields.job_title,
        from_fields.job_title_source,
        from_fields.street,
        from_fields.street_source,
        from_fields.city,
        from_fields.city_source,
        from_fields.state,
        from_fields.state_source,
        from_fields.postal_code,
        from_fields.postal_code_source,
        from_fields.country,
        from_fields.country_source,
        from_fields.company_key,
        from_fields.company_key_source,
        counted.record_count,
        counted.system_count,
        counted.updated_at
    from counted
    left join from_fields on from_fields.person_key = counted.person_key
    union all
    select
        record.person_key,
        case when supplier.of_first_name = 1 then cast(record.first_name as varchar(65535)) end as first_name,
        case when supplier.of_first_name = 1 and record.first_name is not null then record.record_key end as first_name_source,
        case when supplier.of_last_name = 1 then cast(record.last_name as varchar(65535)) end as last_name,
        case when supplier.of_last_name = 1 and record.last_name is not null then record.record_key end as last_name_source,
        case when supplier.of_email = 1 then cast(record.email as varchar(65535)) end as email,
        case when supplier.of_email = 1 and record.email is not null then record.record_key end as email_source,
        case when supplier.of_phone = 1 then cast(record.phone as varchar(65535)) end as phone,
        case when supplier.of_phone = 1 and record.phone is not null then record.record_key end as phone_source,
        case when supplier.of_mobile_phone = 1 then cast(record.mobile_phone as varchar(65535)) end as mobile_phone,
        case when supplier.of_mobile_phone = 1 and record.mobile_phone is not null then record.record_key end as mobile_phone_source,
        case when supplier.of_job_title = 1 then cast(record.job_title as varchar(65535)) end as job_title,
        case when supplier.of_job_title = 1 and record.job_title is not null then record.record_key end as job_title_source,
        case when supplier.of_street = 1 then cast(record.street as varchar(65535)) end as street,
        case when supplier.of_street = 1 and record.street is not null then record.record_key end as street_source,
        case when supplier.of_city = 1 then cast(record.city as varchar(65535)) end as city,
        case when supplier.of_city = 1 and record.city is not null then record.record_key end as city_source,
        case when supplier.of_state = 1 then cast(record.state as varchar(65535)) end as state,
        case when supplier.of_state = 1 and record.state is not null then record.record_key end as state_source,
        case when supplier.of_postal_code = 1 then cast(record.postal_code as varchar(65535)) end as postal_code,
        case when supplier.of_postal_code = 1 and record.postal_code is not null then record.record_key end as postal_code_source,
        case when supplier.of_country = 1 then cast(record.country as varchar(65535)) end as country,
        case when supplier.of_country = 1 and record.country is not null then record.record_key end as country_source,
        case when supplier.of_company_key = 1 then cast(record.company_key as varchar(65535)) end as company_key,
        case when supplier.of_company_key = 1 and record.company_key is not null then record.record_key end as company_key_source,
        1 as record_count,
        1 as system_count,
        record.version_at as updated_at
    from record
    left join supplier on supplier.source_object = record.object_name
    left join compared on compared.person_key = record.person_key
    where compared.person_key is null
),

-- A refusal on any record counts, until a steward accepts consent that is newer than it; a refusal that was seen later counts again.
accepted as (
    select person_key, channel, max(accepted_at) as accepted_at, max(decision_id) as decision_id
    from "contacts"."pipeline"."consent_decision"
    group by person_key, channel
),

refusal as (
    select person_key, 'email' as channel, record_key, opted_out_of_email_since as refused_at
    from record
    where has_opted_out_of_email
    union all
    select person_key, 'phone' as channel, record_key, do_not_call_since as refused_at
    from record
    where do_not_call
),

standing as (
    select
        refusal.*,
        row_number() over (
            partition by refusal.person_key, refusal.channel
            order by refusal.refused_at desc nulls last, refusal.record_key
        ) as place
    from refusal
    left join accepted
        on accepted.person_key = refusal.person_key
        and accepted.channel = refusal.channel
    where coalesce(refusal.refused_at > accepted.accepted_at, true)
),

contact as (
    select
        golden.person_key,
        golden.first_name,
        golden.first_name_source,
        golden.last_name,
        golden.last_name_source,
        golden.email,
        golden.email_source,
        golden.phone,
        golden.phone_source,
        golden.mobile_phone,
        golden.mobile_phone_source,
        golden.job_title,
        golden.job_title_source,
        golden.street,
        golden.street_source,
        golden.city,
        golden.city_source,
        golden.state,
        golden.state_source,
        golden.postal_code,
        golden.postal_code_source,
        golden.country,
        golden.country_source,
        golden.company_key,
        golden.company_key_source,
        golden.record_count,
        golden.system_count,
        standing_email.person_key is not null as has_opted_out_of_email,
        coalesce(
            standing_email.record_key,
            'consent_decision/' || cast(accepted_email.decision_id as varchar(65535))
        ) as has_opted_out_of_email_source,
        case
            when standing_email.person_key is not null then 'most_restrictive'
            when accepted_email.person_key is not null then 'steward'
        end as has_opted_out_of_email_rule,
        case
            when standing_email.person_key is not null then standing_email.refused_at
            else accepted_email.accepted_at
        end as has_opted_out_of_email_at,
        standing_phone.person_key is not null as do_not_call,
        coalesce(
            standing_phone.record_key,
            'consent_decision/' || cast(accepted_phone.decision_id as varchar(65535))
        ) as do_not_call_source,
        case
            when standing_phone.person_key is not null then 'most_restrictive'
            when accepted_phone.person_key is not null then 'steward'
        end as do_not_call_rule,
        case
            when standing_phone.person_key is not null then standing_phone.refused_at
            else accepted_phone.accepted_at
        end as do_not_call_at,
        golden.updated_at
    from golden
    left join standing as standing_email
        on standing_email.person_key = golden.person_key
        and standing_email.channel = 'email'
        and standing_email.place = 1
    left join accepted as accepted_email
        on accepted_email.person_key = golden.person_key
        and accepted_email.channel = 'email'
    left join standing as standing_phone
        on standing_phone.person_key = golden.person_key
        and standing_phone.channel = 'phone'
        and standing_phone.place = 1
    left join accepted as accepted_phone
        on accepted_phone.person_key = golden.person_key
        and accepted_phone.channel = 'phone'
)

select * from contact
