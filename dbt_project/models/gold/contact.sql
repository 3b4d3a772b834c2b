with person as (
    select
        person_link.person_key,
        count(*) as record_count,
        count(distinct split_part(contact_record.object_name, '__', 1) || '/' || contact_record.instance) as system_count,
        {{ dbt.bool_or('coalesce(contact_record.has_opted_out_of_email, false)') }} as has_opted_out_of_email,
        {{ dbt.bool_or('coalesce(contact_record.do_not_call, false)') }} as do_not_call,
        max(contact_record.version_at) as updated_at
    from {{ ref('contact_record') }} as contact_record
    join {{ source('identity_ledger', 'person_link') }} as person_link
        on person_link.record_key = contact_record.record_key
    group by person_link.person_key
),

golden as (
    select
        person_key,
        {{- golden_columns(golden_fields('contact')) }}
    from {{ ref('contact_field') }}
    group by person_key
),

contact as (
    select
        person.person_key,
        {%- for field in golden_fields('contact') %}
        golden.{{ field }},
        golden.{{ field }}_source,
        {%- endfor %}
        person.record_count,
        person.system_count,
        person.has_opted_out_of_email,
        person.do_not_call,
        person.updated_at
    from person
    left join golden
        on golden.person_key = person.person_key
)

select * from contact
