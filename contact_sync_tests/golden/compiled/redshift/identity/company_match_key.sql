with record as (
    select
        record_key,
        external_id,
        name_normalized as name,
        website_domain,
        postal_code_normalized as postal_code,
        account_number_normalized as account_number,
        vat_number_normalized as vat_number
    from "contacts"."silver"."account_record"
    where record_key in (select record_key from "contacts"."silver"."account_record_change" where changed_in > -1)
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
lives_on as (
    select
        'salesforce__account/' || instance || '/' || record_id as record_key,
        cast(contact_sync_key as varchar(65535)) as external_id,
        'salesforce_merge' as rule,
        'salesforce__account/' || instance || '/' || master_record_id as match_key
    from "contacts"."silver"."salesforce__account"
    where is_deleted and master_record_id is not null
),

retired as (
    select record_key, external_id, rule, match_key
    from lives_on
    where record_key in (select record_key from "contacts"."silver"."account_record_change" where changed_in > -1)
),

last_build as (
    select record_key, rule, match_key, known_since as known_since
    from "contacts"."identity"."company_match_key"
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
        where match_key.match_key is not null and match_key.rule not in ('account_number', 'name_postal_code')
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
        coalesce(last_build.known_since, (select cast(number as bigint) from "contacts"."pipeline"."refresh")) as known_since
    from evidence
    left join last_build
        on last_build.record_key = evidence.record_key
        and last_build.rule = evidence.rule
        and last_build.match_key = evidence.match_key
)

select * from dated
