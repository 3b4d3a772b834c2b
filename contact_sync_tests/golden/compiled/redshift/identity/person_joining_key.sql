with common_email as (
    select contact_record.record_key
    from "contacts"."silver"."contact_record" as contact_record
    inner join "contacts"."identity"."person_common_key" as common
        on common.rule = 'email'
        and common.match_key = contact_record.email_normalized
),

person_joining_key as (
    select person_match_key.record_key, person_match_key.rule, person_match_key.match_key
    from "contacts"."identity"."person_match_key" as person_match_key
    left join "contacts"."identity"."person_common_key" as common
        on common.rule = person_match_key.rule
        and common.match_key = person_match_key.match_key
    left join common_email
        on common_email.record_key = person_match_key.record_key
        and person_match_key.rule in ('email_last_name', 'email_first_name')
    where common.rule is null and common_email.record_key is null
    union all
    -- A record that another one lives on in.
    select distinct match_key as record_key, rule, match_key
    from "contacts"."identity"."person_match_key"
    where rule in ('salesforce_merge', 'lead_conversion')
)

select * from person_joining_key
