{{- follows('identity_ledger.person_change', key='person_key') -}}
with link as (
    select record_key, person_key from {{ source('identity_ledger', 'person_link') }}
    {{ where_changed('person_key') }}
),

record as (
    select
        link.person_key,
        contact_record.record_key,
        contact_record.object_name,
        split_part(contact_record.object_name, '__', 1) || '/' || contact_record.instance as system_name,
        contact_record.version_at,
        {%- for field in golden_fields('contact') if field != 'company_key' %}
        contact_record.{{ field }},
        {%- endfor %}
        company_link.company_key,
        {%- for column in refusal_columns() %}
        contact_record.{{ column.flag }},
        contact_record.{{ column.since }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('contact_record') }} as contact_record
    inner join link
        on link.record_key = contact_record.record_key
    left join {{ source('identity_ledger', 'company_link') }} as company_link
        on company_link.record_key = contact_record.account_record_key
),

{{ golden_values('contact', 'person_key') }},

-- A refusal on any record counts, until a steward accepts consent that is newer than it; a refusal that was seen later counts again.
accepted as (
    select person_key, channel, max(accepted_at) as accepted_at, max(decision_id) as decision_id
    from {{ pipeline_relation('consent_decision') }}
    group by person_key, channel
),

refusal as (
    {%- for column in refusal_columns() %}
    select person_key, '{{ column.channel }}' as channel, record_key, {{ column.since }} as refused_at
    from record
    where {{ column.flag }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

standing as (
    select
        refusal.*,
        row_number() over (
            partition by refusal.person_key, refusal.channel
            order by refusal.refused_at desc nulls last, {{ in_byte_order('refusal.record_key') }}
        ) as place
    from refusal
    left join accepted
        on accepted.person_key = refusal.person_key
        and accepted.channel = refusal.channel
    where coalesce(refusal.refused_at > accepted.accepted_at, true)
),

contact as (
    select
        golden.person_key,
        {%- for field in golden_fields('contact') %}
        golden.{{ field }},
        golden.{{ field }}_source,
        {%- endfor %}
        golden.record_count,
        golden.system_count,
        {%- for column in refusal_columns() %}
        standing_{{ column.channel }}.person_key is not null as {{ column.flag }},
        coalesce(
            standing_{{ column.channel }}.record_key,
            'consent_decision/' || cast(accepted_{{ column.channel }}.decision_id as {{ text_type() }})
        ) as {{ column.flag }}_source,
        case
            when standing_{{ column.channel }}.person_key is not null then 'most_restrictive'
            when accepted_{{ column.channel }}.person_key is not null then 'steward'
        end as {{ column.flag }}_rule,
        case
            when standing_{{ column.channel }}.person_key is not null then standing_{{ column.channel }}.refused_at
            else accepted_{{ column.channel }}.accepted_at
        end as {{ column.flag }}_at,
        {%- endfor %}
        golden.updated_at
    from golden
    {%- for channel in refusal_columns() | map(attribute='channel') %}
    left join standing as standing_{{ channel }}
        on standing_{{ channel }}.person_key = golden.person_key
        and standing_{{ channel }}.channel = '{{ channel }}'
        and standing_{{ channel }}.place = 1
    left join accepted as accepted_{{ channel }}
        on accepted_{{ channel }}.person_key = golden.person_key
        and accepted_{{ channel }}.channel = '{{ channel }}'
    {%- endfor %}
)

select * from contact
