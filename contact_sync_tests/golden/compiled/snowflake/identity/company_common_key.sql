-- A key that many records share names no company: a franchise, a placeholder number.
with so_far as (
    select rule, match_key from contacts.identity.company_common_key
),

touched as (
    select rule, match_key from contacts.identity.company_match_key where record_key in (select record_key from contacts.silver.account_record_change where changed_in > -1)
    union
    select rule, match_key from so_far
),

counted as (
    select keys.rule, keys.match_key, count(*) as record_count, min(keys.known_since) as known_since
    from contacts.identity.company_match_key as keys
    inner join touched
        on touched.rule = keys.rule
        and touched.match_key = keys.match_key
    where keys.rule not in ('salesforce_merge', 'lead_conversion', 'external_id')
    group by keys.rule, keys.match_key
    having count(*) > 10
),

common as (
    select counted.rule, counted.match_key, counted.record_count
    from counted
    left join so_far
        on so_far.rule = counted.rule
        and so_far.match_key = counted.match_key
    where counted.record_count > 20
        or so_far.rule is not null
        -- The last build did not know it.
        or counted.known_since > -1
)

select rule, match_key, record_count from common
