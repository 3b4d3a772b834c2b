-- Every live record that has a person is counted in exactly one golden contact: neither lost nor counted twice.
{{ config(meta={'dagster': {'ref': {'name': 'contact'}}}) }}

with linked as (
    select count(*) as record_count
    from {{ ref('contact_record') }} as contact_record
    join {{ source('identity_ledger', 'person_link') }} as person_link
        on person_link.record_key = contact_record.record_key
    {{ where_changed_in('contact', 'person_link.person_key') }}
),

golden as (
    select coalesce(sum(record_count), 0) as record_count
    from {{ ref('contact') }}
    {{ where_changed_in('contact') }}
),

difference as (
    select linked.record_count as linked_count, golden.record_count as golden_count
    from linked
    cross join golden
    where linked.record_count <> golden.record_count
)

select * from difference
