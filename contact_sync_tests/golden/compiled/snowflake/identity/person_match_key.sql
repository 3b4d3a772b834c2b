with record as (
    select
        record_key,
        external_id,
        case when not email_is_role then email_normalized end as email,
        phone_normalized,
        mobile_phone_normalized,
        first_name_normalized as first_name,
        last_name_normalized as last_name,
        coalesce(name_suffix, '') as name_suffix,
        first_name_normalized || '|' || last_name_normalized || '|' || coalesce(name_suffix, '') as full_name,
        company_normalized as company,
        street_normalized as street,
        postal_code_normalized as postal_code
    from contacts.silver.contact_record
    where record_key in (select record_key from contacts.silver.contact_record_change where changed_in > -1)
),

-- A null part makes the whole key null: a key is guarded by every part of it or it is no key.
match_key as (
    select record_key, 'email_last_name' as rule, email || '|' || last_name || '|' || name_suffix as match_key from record
    union all
    select record_key, 'email_first_name' as rule, email || '|' || first_name || '|' || name_suffix as match_key from record
    union all
    select record_key, 'phone_name' as rule, phone_normalized || '|' || full_name as match_key from record
    union all
    select record_key, 'phone_name' as rule, mobile_phone_normalized || '|' || full_name as match_key from record
    where mobile_phone_normalized is distinct from phone_normalized
    union all
    select record_key, 'name_postal_code' as rule, full_name || '|' || postal_code as match_key from record
    union all
    select record_key, 'name_street' as rule, full_name || '|' || street as match_key from record
    union all
    select record_key, 'name_company' as rule, full_name || '|' || company as match_key from record
),

-- Records that live on in others: merged ones, and leads that became contacts.
lives_on as (
    select
        'salesforce__contact/' || instance || '/' || record_id as record_key,
        cast(contact_sync_key as varchar) as external_id,
        'salesforce_merge' as rule,
        'salesforce__contact/' || instance || '/' || master_record_id as match_key
    from contacts.silver.salesforce__contact
    where is_deleted and master_record_id is not null
    union all
    select
        'salesforce__lead/' || instance || '/' || record_id as record_key,
        cast(null as varchar) as external_id,
        'salesforce_merge' as rule,
        'salesforce__lead/' || instance || '/' || master_record_id as match_key
    from contacts.silver.salesforce__lead
    where is_deleted and master_record_id is not null
    union all
    select
        'salesforce__lead/' || instance || '/' || record_id as record_key,
        cast(null as varchar) as external_id,
        'lead_conversion' as rule,
        'salesforce__contact/' || instance || '/' || converted_contact_id as match_key
    from contacts.silver.salesforce__lead
    where is_converted and converted_contact_id is not null
),

retired as (
    select record_key, external_id, rule, match_key
    from lives_on
    where record_key in (select record_key from contacts.silver.contact_record_change where changed_in > -1)
),

last_build as (
    select record_key, rule, match_key, known_since as known_since
    from contacts.identity.person_match_key
    where record_key in (select record_key from contacts.silver.contact_record_change where changed_in > -1)
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
        where match_key.match_key is not null and match_key.rule not in ('phone_name', 'name_postal_code', 'name_street')
        union
        select last_key.record_key, last_key.rule, last_key.match_key
        from last_key
        inner join stamped on stamped.record_key = last_key.record_key
        union
        select last_key.record_key, last_key.rule, last_key.match_key
        from last_key
        inner join retired on retired.record_key = last_key.record_key
    ) as kept
),

said as (
    select record_key, rule, match_key from retired
    union
    select record_key, 'external_id' as rule, external_id as match_key from retired where external_id is not null
),

evidence as (
    select record_key, rule, match_key from every_key
    union all
    select record_key, rule, match_key from said
),

dated as (
    select
        evidence.record_key,
        evidence.rule,
        evidence.match_key,
        coalesce(last_build.known_since, (select cast(number as bigint) from contacts.pipeline.refresh)) as known_since
    from evidence
    left join last_build
        on last_build.record_key = evidence.record_key
        and last_build.rule = evidence.rule
        and last_build.match_key = evidence.match_key
)

select * from dated
