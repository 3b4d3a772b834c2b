with record as (
    select
        record_key,
        external_id,
        name_normalized as name,
        website_domain,
        phone_normalized as phone,
        street_normalized as street,
        postal_code_normalized as postal_code
    from "contacts"."silver"."account_record"
    where record_key in (select record_key from "contacts"."silver"."account_record_change" where changed_in > -1)
),

-- Too weak to join two records, strong enough to ask a person before a new record is created.
match_key as (
    select record_key, 'name' as rule, name as match_key from record
    union all
    select record_key, 'website_domain' as rule, website_domain as match_key from record
    union all
    select record_key, 'phone' as rule, phone as match_key from record
    union all
    select record_key, 'street_postal_code' as rule, street || '|' || postal_code as match_key from record
),

last_build as (
    select record_key, rule, match_key, known_since as known_since
    from "contacts"."identity"."company_possible_match_key"
    where record_key in (select record_key from "contacts"."silver"."account_record_change" where changed_in > -1)
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
        where match_key.match_key is not null and match_key.rule not in ('phone', 'street_postal_code')
        union
        select last_key.record_key, last_key.rule, last_key.match_key
        from last_key
        inner join stamped on stamped.record_key = last_key.record_key
    ) as kept
)

select * from every_key
