with person as (
    select
        person_link.person_key,
        count(*) as record_count,
        count(distinct split_part(contact_record.object_name, '__', 1) || '/' || contact_record.instance) as system_count,
        max(contact_record.version_at) as updated_at
    from contacts.silver.contact_record as contact_record
    join contacts.identity.person_link as person_link
        on person_link.record_key = contact_record.record_key
    group by person_link.person_key
),

golden as (
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
    from contacts.gold.contact_field
    group by person_key
),

-- A refusal on any record counts, until a steward accepts consent that is newer than it; a refusal that was seen later counts again.
accepted as (
    select person_key, channel, max(accepted_at) as accepted_at, max(decision_id) as decision_id
    from contacts.pipeline.consent_decision
    group by person_key, channel
),

refusal as (
    select
        person_link.person_key,
        'email' as channel,
        contact_record.record_key,
        contact_record.opted_out_of_email_since as refused_at
    from contacts.silver.contact_record as contact_record
    join contacts.identity.person_link as person_link
        on person_link.record_key = contact_record.record_key
    where contact_record.has_opted_out_of_email
    union all
    select
        person_link.person_key,
        'phone' as channel,
        contact_record.record_key,
        contact_record.do_not_call_since as refused_at
    from contacts.silver.contact_record as contact_record
    join contacts.identity.person_link as person_link
        on person_link.record_key = contact_record.record_key
    where contact_record.do_not_call
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
        person.person_key,
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
        person.record_count,
        person.system_count,
        standing_email.person_key is not null as has_opted_out_of_email,
        coalesce(
            standing_email.record_key,
            'consent_decision/' || cast(accepted_email.decision_id as varchar)
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
            'consent_decision/' || cast(accepted_phone.decision_id as varchar)
        ) as do_not_call_source,
        case
            when standing_phone.person_key is not null then 'most_restrictive'
            when accepted_phone.person_key is not null then 'steward'
        end as do_not_call_rule,
        case
            when standing_phone.person_key is not null then standing_phone.refused_at
            else accepted_phone.accepted_at
        end as do_not_call_at,
        person.updated_at
    from person
    left join golden
        on golden.person_key = person.person_key
    left join standing as standing_email
        on standing_email.person_key = person.person_key
        and standing_email.channel = 'email'
        and standing_email.place = 1
    left join accepted as accepted_email
        on accepted_email.person_key = person.person_key
        and accepted_email.channel = 'email'
    left join standing as standing_phone
        on standing_phone.person_key = person.person_key
        and standing_phone.channel = 'phone'
        and standing_phone.place = 1
    left join accepted as accepted_phone
        on accepted_phone.person_key = person.person_key
        and accepted_phone.channel = 'phone'
)

select * from contact
