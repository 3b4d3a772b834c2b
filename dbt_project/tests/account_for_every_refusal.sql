-- Every refused field of a record is counted in rejected_value, object by object: neither lost nor counted twice.
{{ config(meta={'dagster': {'ref': {'name': 'rejected_value'}}}) }}

{%- set objects = refused_objects() %}

with noted as (
    {%- for object_name in objects %}
    select
        '{{ object_name }}' as object_name,
        coalesce(sum(length(rejected_fields) - length(replace(rejected_fields, ';', ''))), 0) as field_count
    from {{ ref(object_name) }}
    where not is_deleted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

listed as (
    select object_name, count(*) as field_count
    from {{ ref('rejected_value') }}
    group by object_name
),

difference as (
    select noted.object_name, noted.field_count as noted_count, coalesce(listed.field_count, 0) as listed_count
    from noted
    left join listed on listed.object_name = noted.object_name
    where noted.field_count <> coalesce(listed.field_count, 0)
)

select * from difference
