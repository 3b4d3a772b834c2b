-- A key that many records share names nobody: test data, a placeholder, one name for a whole department.
with so_far as (
    select rule, match_key from contacts.identity.person_common_key
),

touched as (
    select rule, match_key from contacts.identity.person_match_key where record_key in (select record_key from contacts.silver.contact_record_change where changed_in > -1)
    union
    select rule, match_key from so_far
),

counted as (
    select keys.rule, keys.match_key, count(*) as record_count, min(keys.known_since) as known_since
    from contacts.identity.person_match_key as keys
    inner join touched
        on touched.rule = keys.rule
        and touched.match_key = keys.match_key
    where keys.rule not in ('salesforce_merge', 'lead_conversion', 'external_id')
    group by keys.rule, keys.match_key
    having count(*) > 20
),

common as (
    select counted.rule, counted.match_key, counted.record_count
    from counted
    left join so_far
        on so_far.rule = counted.rule
        and so_far.match_key = counted.match_key
    where counted.record_count > 40
        or so_far.rule is not null
        -- The last build did not know it.
        or counted.known_since > -1
),

-- An address that many records share is nobody's: by surnames and by first names it would connect them all.
touched_email as (
    select email_normalized as email
    from contacts.silver.contact_record
    where record_key in (select record_key from contacts.silver.contact_record_change where changed_in > -1)
    union
    select match_key as email from so_far where rule = 'email'
),

common_email as (
    select 'email' as rule, contact_record.email_normalized as match_key, count(*) as record_count
    from contacts.silver.contact_record as contact_record
    inner join touched_email on touched_email.email = contact_record.email_normalized
    group by contact_record.email_normalized
    having count(*) > 40
)

select rule, match_key, record_count from common
union all
select rule, match_key, record_count from common_email
