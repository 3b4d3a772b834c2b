with record as (
    select
        company_link.company_key,
        account_record.record_key,
        account_record.object_name,
        account_record.instance,
        account_record.version_at,
        {%- for field in golden_fields('account') %}
        account_record.{{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('account_record') }} as account_record
    join {{ source('identity_ledger', 'company_link') }} as company_link
        on company_link.record_key = account_record.record_key
),

candidate as (
    {{- unpivot_fields('record', ['company_key', 'record_key', 'object_name', 'instance', 'version_at'], golden_fields('account')) }}
),

ruled as (
    select candidate.*, golden_rule.field_group, golden_rule.is_owner, golden_rule.rule, golden_rule.trust
    from candidate
    join {{ pipeline_relation('golden_rule') }} as golden_rule
        on golden_rule.entity = 'account'
        and golden_rule.field = candidate.field
        and golden_rule.source_object = candidate.object_name
    where candidate.value is not null
),

ranked as (
    select
        *,
        first_value(record_key) over (
            partition by company_key, field_group
            order by {{ survivorship_order() }}
            rows between unbounded preceding and current row
        ) as winning_record_key
    from ruled
),

survived as (
    select
        company_key,
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
