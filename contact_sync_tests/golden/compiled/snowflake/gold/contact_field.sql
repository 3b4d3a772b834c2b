with link as (
    select record_key, person_key from contacts.identity.person_link
    where person_key in (select person_key from contacts.identity.person_change where changed_in > -1)
),

record as (
    select
        link.person_key,
        contact_record.record_key,
        contact_record.object_name,
        contact_record.instance,
        contact_record.version_at,
        contact_record.first_name,
        contact_record.last_name,
        contact_record.email,
        contact_record.phone,
        contact_record.mobile_phone,
        contact_record.job_title,
        contact_record.street,
        contact_record.city,
        contact_record.state,
        contact_record.postal_code,
        contact_record.country,
        contact_record.email_normalized,
        contact_record.email_is_role,
        contact_record.phone_normalized,
        contact_record.mobile_phone_normalized,
        company_link.company_key
    from contacts.silver.contact_record as contact_record
    inner join link
        on link.record_key = contact_record.record_key
    left join contacts.identity.company_link as company_link
        on company_link.record_key = contact_record.account_record_key
),

last_build as (
    select person_key, field, value, source_record_key, version_at, cleared_value_hash
    from contacts.gold.contact_field
    where person_key in (select person_key from contacts.identity.person_change where changed_in > -1)
),

-- What the last build says of records that still belong to the same golden record, where a rule looks back.
remembered as (
    select
        record.person_key,
        record.record_key,
        record.object_name,
        record.instance,
        last_build.version_at,
        record.version_at as current_version_at,
        last_build.field,
        golden_rule.field_group,
        golden_rule.is_owner,
        golden_rule.rule,
        golden_rule.trust,
        last_build.value,
        last_build.cleared_value_hash
    from last_build
    inner join record
        on record.record_key = last_build.source_record_key
        and record.person_key = last_build.person_key
    inner join contacts.pipeline.golden_rule as golden_rule
        on golden_rule.entity = 'contact'
        and golden_rule.field = last_build.field
        and golden_rule.source_object = record.object_name
    where golden_rule.rule = 'fill_only' or golden_rule.null_policy = 'propagate'
),

-- Where there is anything to decide: of several records, or by a rule that looks back.
contested as (
    select person_key from record group by person_key having count(*) > 1
    union
    select person_key
    from record
    where object_name in (
        select source_object
        from contacts.pipeline.golden_rule
        where entity = 'contact' and (rule = 'fill_only' or null_policy = 'propagate')
    )
),

held as (
    select
        record.person_key,
        record.record_key,
        record.object_name,
        record.instance,
        record.version_at,
        golden_rule.field,
        golden_rule.field_group,
        golden_rule.is_owner,
        golden_rule.rule,
        golden_rule.trust,
        golden_rule.null_policy,
        case golden_rule.field
            when 'first_name' then cast(record.first_name as varchar)
            when 'last_name' then cast(record.last_name as varchar)
            when 'email' then cast(record.email as varchar)
            when 'phone' then cast(record.phone as varchar)
            when 'mobile_phone' then cast(record.mobile_phone as varchar)
            when 'job_title' then cast(record.job_title as varchar)
            when 'street' then cast(record.street as varchar)
            when 'city' then cast(record.city as varchar)
            when 'state' then cast(record.state as varchar)
            when 'postal_code' then cast(record.postal_code as varchar)
            when 'country' then cast(record.country as varchar)
            when 'company_key' then cast(record.company_key as varchar)
        end as value,
        case
            when golden_rule.rule <> 'verified' then 0
            when golden_rule.field = 'email' and email_normalized is not null and not email_is_role then 1
            when golden_rule.field = 'phone' and phone_normalized like '+%' then 1
            when golden_rule.field = 'mobile_phone' and mobile_phone_normalized like '+%' then 1
            when golden_rule.field = 'street' and street is not null and city is not null and postal_code is not null then 1
            when golden_rule.field = 'city' and street is not null and city is not null and postal_code is not null then 1
            when golden_rule.field = 'state' and street is not null and city is not null and postal_code is not null then 1
            when golden_rule.field = 'postal_code' and street is not null and city is not null and postal_code is not null then 1
            when golden_rule.field = 'country' and street is not null and city is not null and postal_code is not null then 1
            else 0
        end as is_verified
    from record
    inner join contested on contested.person_key = record.person_key
    inner join contacts.pipeline.golden_rule as golden_rule
        on golden_rule.entity = 'contact'
        and golden_rule.source_object = record.object_name
),

candidate as (
    select * from held where value is not null
),

kept as (
    select * from remembered where rule = 'fill_only' and value is not null
),

-- The record that won has emptied the whole unit. It goes on to compete, with nothing, as of the version that emptied it.
cleared as (
    select
        remembered.person_key,
        remembered.record_key,
        remembered.object_name,
        remembered.instance,
        case
            when remembered.cleared_value_hash is null then remembered.current_version_at
            else remembered.version_at
        end as version_at,
        remembered.field,
        remembered.field_group,
        remembered.is_owner,
        remembered.rule,
        remembered.trust,
        coalesce(remembered.cleared_value_hash, md5(cast(remembered.value as TEXT))) as lost_value_hash
    from remembered
    left join candidate
        on candidate.person_key = remembered.person_key
        and candidate.field_group = remembered.field_group
        and candidate.record_key = remembered.record_key
    where remembered.rule <> 'fill_only' and candidate.record_key is null
),

-- Other records' copies of what was cleared say nothing new, however lately somebody touched something else on them.
stale_copy as (
    select candidate.person_key, candidate.field_group, candidate.record_key
    from candidate
    inner join (select distinct person_key, field_group from cleared) as cleared_unit
        on cleared_unit.person_key = candidate.person_key
        and cleared_unit.field_group = candidate.field_group
    left join cleared
        on cleared.person_key = candidate.person_key
        and cleared.field = candidate.field
        and cleared.lost_value_hash = md5(cast(candidate.value as TEXT))
    group by candidate.person_key, candidate.field_group, candidate.record_key
    having count(*) = count(cleared.record_key)
),

-- What some rules count is a matter of the whole unit.
unit as (
    select
        person_key,
        field_group,
        record_key,
        min(rule) as rule,
        max(is_verified) as is_verified,
        sum(length(value)) as value_length,
        
    listagg(
        md5(cast(field || value as TEXT)),
        ''
        )
        within group (order by field) as unit_hash
    from candidate
    where rule in ('verified', 'longest', 'most_frequent')
    group by person_key, field_group, record_key
),

measured as (
    select
        person_key,
        field_group,
        record_key,
        cast(case rule
            when 'verified' then is_verified
            when 'longest' then value_length
            else count(*) over (partition by person_key, field_group, unit_hash)
        end as bigint) as score
    from unit
),

contender as (
    select candidate.person_key,
        candidate.record_key,
        candidate.object_name,
        candidate.instance,
        candidate.version_at,
        candidate.field,
        candidate.field_group,
        candidate.is_owner,
        candidate.rule,
        candidate.trust,
        cast(case when rule = 'trust' then -trust else 0 end as bigint) as score,
        candidate.value as value,
        cast(null as varchar) as cleared_value_hash
    from candidate
    where candidate.null_policy = 'ignore' and candidate.rule not in ('verified', 'longest', 'most_frequent')
    union all
    select candidate.person_key,
        candidate.record_key,
        candidate.object_name,
        candidate.instance,
        candidate.version_at,
        candidate.field,
        candidate.field_group,
        candidate.is_owner,
        candidate.rule,
        candidate.trust,
        cast(case when rule = 'trust' then -trust else 0 end as bigint) as score,
        candidate.value as value,
        cast(null as varchar) as cleared_value_hash
    from candidate
    left join stale_copy
        on stale_copy.person_key = candidate.person_key
        and stale_copy.field_group = candidate.field_group
        and stale_copy.record_key = candidate.record_key
    where candidate.null_policy = 'propagate' and stale_copy.record_key is null
    union all
    select candidate.person_key,
        candidate.record_key,
        candidate.object_name,
        candidate.instance,
        candidate.version_at,
        candidate.field,
        candidate.field_group,
        candidate.is_owner,
        candidate.rule,
        candidate.trust,
        cast(measured.score as bigint) as score,
        candidate.value as value,
        cast(null as varchar) as cleared_value_hash
    from candidate
    inner join measured
        on measured.person_key = candidate.person_key
        and measured.field_group = candidate.field_group
        and measured.record_key = candidate.record_key
    union all
    select kept.person_key,
        kept.record_key,
        kept.object_name,
        kept.instance,
        kept.version_at,
        kept.field,
        kept.field_group,
        kept.is_owner,
        kept.rule,
        kept.trust,
        cast(1 as bigint) as score,
        kept.value as value,
        cast(null as varchar) as cleared_value_hash
    from kept
    union all
    select cleared.person_key,
        cleared.record_key,
        cleared.object_name,
        cleared.instance,
        cleared.version_at,
        cleared.field,
        cleared.field_group,
        cleared.is_owner,
        cleared.rule,
        cleared.trust,
        cast(case when rule = 'trust' then -trust else 0 end as bigint) as score,
        cast(null as varchar) as value,
        cleared.lost_value_hash as cleared_value_hash
    from cleared
),

-- The fields of a unit share all of this, so that they rank alike.
ranked as (
    select
        *,
        rank() over (
            partition by person_key, field_group
            order by case when is_owner then 0 else 1 end, score desc, version_at desc nulls last, trust, record_key
        ) as place
    from contender
),

distinct_value as (
    select distinct person_key, field, is_owner, value
    from candidate
    where rule = 'union'
),

joined as (
    select
        person_key,
        field,
        is_owner,
        
    listagg(
        value,
        '; '
        )
        within group (order by value) as value
    from distinct_value
    group by person_key, field, is_owner
),

decided as (
    select
        ranked.person_key,
        ranked.field,
        cast(coalesce(joined.value, ranked.value) as varchar) as value,
        ranked.record_key as source_record_key,
        ranked.object_name as source_object,
        ranked.instance as source_instance,
        case when ranked.is_owner then 'owner' else ranked.rule end as rule,
        ranked.version_at,
        ranked.value is null as is_cleared,
        ranked.cleared_value_hash,
        true as is_contested
    from ranked
    left join joined
        on joined.person_key = ranked.person_key
        and joined.field = ranked.field
        and joined.is_owner = ranked.is_owner
    where ranked.place = 1
),

-- Most golden records have one record, whose values need not be compared with anything.
undisputed as (
    select
        record.person_key,
        golden_rule.field,
        case golden_rule.field
            when 'first_name' then cast(record.first_name as varchar)
            when 'last_name' then cast(record.last_name as varchar)
            when 'email' then cast(record.email as varchar)
            when 'phone' then cast(record.phone as varchar)
            when 'mobile_phone' then cast(record.mobile_phone as varchar)
            when 'job_title' then cast(record.job_title as varchar)
            when 'street' then cast(record.street as varchar)
            when 'city' then cast(record.city as varchar)
            when 'state' then cast(record.state as varchar)
            when 'postal_code' then cast(record.postal_code as varchar)
            when 'country' then cast(record.country as varchar)
            when 'company_key' then cast(record.company_key as varchar)
        end as value,
        record.record_key as source_record_key,
        record.object_name as source_object,
        record.instance as source_instance,
        case when golden_rule.is_owner then 'owner' else golden_rule.rule end as rule,
        record.version_at,
        false as is_cleared,
        cast(null as varchar) as cleared_value_hash,
        false as is_contested
    from record
    left join contested on contested.person_key = record.person_key
    inner join contacts.pipeline.golden_rule as golden_rule
        on golden_rule.entity = 'contact'
        and golden_rule.source_object = record.object_name
    where contested.person_key is null
),

survived as (
    select person_key, field, value, source_record_key, source_object, source_instance, rule, version_at, is_cleared, cleared_value_hash, is_contested
    from decided
    union all
    select person_key, field, value, source_record_key, source_object, source_instance, rule, version_at, is_cleared, cleared_value_hash, is_contested
    from undisputed
    where value is not null
)

select * from survived
