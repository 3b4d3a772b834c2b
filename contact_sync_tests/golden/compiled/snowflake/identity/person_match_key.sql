-- An address that many records share is nobody's: by surnames and by first names it would connect them all.
with shared_email as (
    select email_normalized as email
    from contacts.silver.contact_record
    group by email_normalized
    having count(*) > 40
),

record as (
    select
        record_key,
        case when not email_is_role and shared_email.email is null then email_normalized end as email,
        phone_normalized,
        mobile_phone_normalized,
        first_name_normalized as first_name,
        last_name_normalized as last_name,
        coalesce(name_suffix, '') as name_suffix,
        first_name_normalized || '|' || last_name_normalized || '|' || coalesce(name_suffix, '') as full_name,
        company_normalized as company,
        street_normalized as street,
        postal_code_normalized as postal_code
    from contacts.silver.contact_record as contact_record
    left join shared_email on shared_email.email = contact_record.email_normalized
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
retired as (
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

known_keys as (
    select record_key, rule, match_key from contacts.identity.person_match_key
),

last_build as (
    select record_key, rule, match_key
    from known_keys
    where rule not in ('salesforce_merge', 'lead_conversion', 'external_id')
),

stamped as (
    select record_key from contacts.silver.contact_record where external_id is not null
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
        select last_build.record_key, last_build.rule, last_build.match_key
        from last_build
        inner join stamped on stamped.record_key = last_build.record_key
        union
        select last_build.record_key, last_build.rule, last_build.match_key
        from last_build
        inner join retired on retired.record_key = last_build.record_key
    ) as kept
),

-- A key that many records share names nobody: test data, a placeholder, one name for a whole department.
large as (
    select rule, match_key, count(*) as record_count
    from every_key
    group by rule, match_key
    having count(*) > 20
),

accepted as (
    select distinct large.rule, large.match_key
    from large
    inner join last_build on last_build.rule = large.rule and last_build.match_key = large.match_key
    where large.record_count <= 40
),

selective as (
    select every_key.record_key, every_key.rule, every_key.match_key
    from every_key
    left join large on large.rule = every_key.rule and large.match_key = every_key.match_key
    left join accepted on accepted.rule = every_key.rule and accepted.match_key = every_key.match_key
    where large.rule is null or accepted.rule is not null
),

said as (
    select record_key, rule, match_key from retired
    union
    select match_key as record_key, rule, match_key from retired
    union
    select record_key, 'external_id' as rule, external_id as match_key from retired where external_id is not null
),

evidence as (
    select record_key, rule, match_key from selective
    union all
    select record_key, rule, match_key from said
)

select * from evidence
