{{- follows('golden_key_change', key='golden_key') -}}
with record as (
    select
        'contact' as entity, person_link.person_key as golden_key, contact_record.record_key, contact_record.object_name,
        contact_record.instance, contact_record.record_id, contact_record.external_id, contact_record.created_at
    from {{ ref('contact_record') }} as contact_record
    inner join {{ source('identity_ledger', 'person_link') }} as person_link
        on person_link.record_key = contact_record.record_key
    {{ where_changed('person_link.person_key') }}
    union all
    select
        'account' as entity, company_link.company_key as golden_key, account_record.record_key, account_record.object_name,
        account_record.instance, account_record.record_id, account_record.external_id, account_record.created_at
    from {{ ref('account_record') }} as account_record
    inner join {{ source('identity_ledger', 'company_link') }} as company_link
        on company_link.record_key = account_record.record_key
    {{ where_changed('company_link.company_key') }}
),

several as (
    select entity, golden_key, object_name, instance
    from record
    group by entity, golden_key, object_name, instance
    having count(*) > 1
),

-- The record that activation would take comes first: the stamped one, then the oldest.
duplicate as (
    select
        record.*,
        row_number() over (
            partition by record.entity, record.golden_key, record.object_name, record.instance
            order by
                case when record.external_id is null then 1 else 0 end,
                record.created_at nulls last,
                {{ in_byte_order('record.record_id') }}
        ) as place
    from record
    inner join several
        on several.entity = record.entity
        and several.golden_key = record.golden_key
        and several.object_name = record.object_name
        and several.instance = record.instance
),

match_key as (
    select 'contact' as entity, record_key, rule, match_key from {{ ref('person_joining_key') }}
    union all
    select 'account' as entity, record_key, rule, match_key from {{ ref('company_joining_key') }}
),

-- A rule joined records of the group if two of them have one of its keys in common.
joining_rule as (
    select duplicate.entity, duplicate.golden_key, duplicate.object_name, duplicate.instance, match_key.rule
    from duplicate
    inner join match_key
        on match_key.entity = duplicate.entity
        and match_key.record_key = duplicate.record_key
    group by duplicate.entity, duplicate.golden_key, duplicate.object_name, duplicate.instance, match_key.rule, match_key.match_key
    having count(*) > 1
),

joining_pair as (
    select 'contact' as entity, record_key_1, record_key_2, rule from {{ pipeline_relation('contact_joining_pair') }}
    union all
    select 'account' as entity, record_key_1, record_key_2, rule from {{ pipeline_relation('account_joining_pair') }}
),

pair_rule as (
    select one.entity, one.golden_key, one.object_name, one.instance, joining_pair.rule
    from joining_pair
    inner join duplicate as one
        on one.entity = joining_pair.entity
        and one.record_key = joining_pair.record_key_1
    inner join duplicate as other
        on other.entity = joining_pair.entity
        and other.record_key = joining_pair.record_key_2
        and other.golden_key = one.golden_key
        and other.object_name = one.object_name
        and other.instance = one.instance
),

rules as (
    select
        entity, golden_key, object_name, instance,
        {{ dbt.listagg(measure='rule', delimiter_text="', '", order_by_clause='order by ' ~ in_byte_order('rule')) }} as match_rules
    from (
        select entity, golden_key, object_name, instance, rule from joining_rule
        union
        select entity, golden_key, object_name, instance, rule from pair_rule
    ) as joining_rule
    group by entity, golden_key, object_name, instance
),

grouped as (
    select
        entity, golden_key, object_name, instance,
        count(*) as record_count,
        max(case when place = 1 then record_key end) as primary_record_key,
        {{ dbt.listagg(measure='record_key', delimiter_text="', '", order_by_clause='order by place') }} as record_keys
    from duplicate
    group by entity, golden_key, object_name, instance
),

explained as (
    select
        grouped.entity,
        grouped.golden_key,
        grouped.object_name,
        grouped.instance,
        grouped.record_count,
        grouped.record_count - 1 as surplus_count,
        grouped.primary_record_key,
        grouped.record_keys,
        coalesce(rules.match_rules, 'records elsewhere') as match_rules
    from grouped
    left join rules
        on rules.entity = grouped.entity
        and rules.golden_key = grouped.golden_key
        and rules.object_name = grouped.object_name
        and rules.instance = grouped.instance
)

select * from explained
