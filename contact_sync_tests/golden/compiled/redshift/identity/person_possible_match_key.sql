with record as (
    select
        record_key,
        external_id,
        case when not email_is_role then email_normalized end as email,
        phone_normalized as phone,
        mobile_phone_normalized as mobile_phone,
        first_name_normalized as first_name,
        last_name_normalized as last_name,
        company_normalized as company,
        street_normalized as street,
        postal_code_normalized as postal_code
    from "contacts"."silver"."contact_record"
    where record_key in (select record_key from "contacts"."silver"."contact_record_change" where changed_in > -1)
),

-- Too weak to join two records, strong enough to ask a person before a new record is created.
match_key as (
    select record_key, 'email' as rule, email as match_key from record
    union all
    select record_key, 'mobile_phone' as rule, mobile_phone as match_key from record
    union all
    select record_key, 'phone_last_name' as rule, phone || '|' || last_name as match_key from record
    union all
    select record_key, 'name' as rule, first_name || '|' || last_name as match_key from record
    union all
    select record_key, 'last_name_company' as rule, last_name || '|' || company as match_key from record
    union all
    select record_key, 'first_name_company' as rule, first_name || '|' || company as match_key from record
    union all
    select record_key, 'initial_postal_code' as rule, substr(first_name, 1, 1) || '|' || last_name || '|' || postal_code from record
    union all
    select record_key, 'first_name_postal_code' as rule, first_name || '|' || postal_code as match_key from record
    union all
    select record_key, 'first_name_street' as rule, first_name || '|' || street as match_key from record
),

last_build as (
    select record_key, rule, match_key, known_since as known_since
    from "contacts"."identity"."person_possible_match_key"
    where record_key in (select record_key from "contacts"."silver"."contact_record_change" where changed_in > -1)
),

last_key as (
    select record_key, rule, match_key
    from last_build
    where rule not in ('salesforce_merge', 'lead_conversion', 'external_id')
),

stamped as (
    select record_key from record where external_id is not null
),

-- A record has each key of its values once; what it kept besides may be the same.
every_key as (
    select match_key.record_key, match_key.rule, match_key.match_key
    from match_key
    left join stamped on stamped.record_key = match_key.record_key
    where match_key.match_key is not null and stamped.record_key is null
    union all
    select record_key, rule, match_key
    from (
        select match_key.record_key, match_key.rule, match_key.match_key
        from match_key
        inner join stamped on stamped.record_key = match_key.record_key
        where match_key.match_key is not null and match_key.rule not in ('phone_last_name', 'initial_postal_code', 'first_name_postal_code', 'first_name_street')
        union
        select last_key.record_key, last_key.rule, last_key.match_key
        from last_key
        inner join stamped on stamped.record_key = last_key.record_key
    ) as kept
)

select * from every_key
