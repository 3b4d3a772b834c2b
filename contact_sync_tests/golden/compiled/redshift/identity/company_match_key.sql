with record as (
    select
        record_key,
        name_normalized as name,
        website_domain,
        postal_code_normalized as postal_code,
        account_number_normalized as account_number,
        vat_number_normalized as vat_number
    from "contacts"."silver"."account_record"
),

-- A null part makes the whole key null: a key is guarded by every part of it or it is no key.
match_key as (
    select record_key, 'name_website_domain' as rule, name || '|' || website_domain as match_key from record
    union all
    select record_key, 'website_domain' as rule, website_domain as match_key from record
    union all
    select record_key, 'name_postal_code' as rule, name || '|' || postal_code as match_key from record
    union all
    select record_key, 'account_number' as rule, account_number as match_key from record
    union all
    select record_key, 'vat_number' as rule, vat_number as match_key from record
),

-- Records that live on in others.
retired as (
    select
        'salesforce__account/' || instance || '/' || record_id as record_key,
        cast(contact_sync_key as varchar(65535)) as external_id,
        'salesforce_merge' as rule,
        'salesforce__account/' || instance || '/' || master_record_id as match_key
    from "contacts"."silver"."salesforce__account"
    where is_deleted and master_record_id is not null
),

known_keys as (
    select record_key, rule, match_key from "contacts"."identity"."company_match_key"
),

last_build as (
    select record_key, rule, match_key
    from known_keys
    where rule not in ('salesforce_merge', 'lead_conversion', 'external_id')
),

stamped as (
    select record_key from "contacts"."silver"."account_record" where external_id is not null
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
        where match_key.match_key is not null and match_key.rule not in ('account_number', 'name_postal_code')
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

-- A key that many records share names no company: a franchise, a placeholder number.
large as (
    select rule, match_key, count(*) as record_count
    from every_key
    group by rule, match_key
    having count(*) > 10
),

accepted as (
    select distinct large.rule, large.match_key
    from large
    inner join last_build on last_build.rule = large.rule and last_build.match_key = large.match_key
    where large.record_count <= 20
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
