with record as (
    select
        person_link.person_key,
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
        company_link.company_key
    from {{ ref('contact_record') }} as contact_record
    join {{ source('identity_ledger', 'person_link') }} as person_link
        on person_link.record_key = contact_record.record_key
    left join {{ source('identity_ledger', 'company_link') }} as company_link
        on company_link.record_key = contact_record.account_record_key
),

candidate as (
    {{- unpivot_fields('record', ['person_key', 'record_key', 'object_name', 'instance', 'version_at'], golden_fields('contact')) }}
),

ruled as (
    select candidate.*, golden_rule.field_group, golden_rule.is_owner, golden_rule.rule, golden_rule.trust
    from candidate
    join {{ pipeline_relation('golden_rule') }} as golden_rule
        on golden_rule.entity = 'contact'
        and golden_rule.field = candidate.field
        and golden_rule.source_object = candidate.object_name
    where candidate.value is not null
),

ranked as (
    select
        *,
        first_value(record_key) over (
            partition by person_key, field_group
            order by {{ survivorship_order() }}
            rows between unbounded preceding and current row
        ) as winning_record_key
    from ruled
),

-- The fields of a group come from one record: half of two addresses would be a third one where nobody lives.
survived as (
    select
        person_key,
        field,
        value,
        record_key as source_record_key,
        object_name as source_object,
        instance as source_instance,
        case when is_owner then 'owner' else rule end as rule,
        version_at
    from ranked
    where record_key = winning_record_key
)

select * from survived
