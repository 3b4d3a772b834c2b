-- Every refused field of a record is counted in rejected_value, object by object: neither lost nor counted twice.
{{ config(meta={'dagster': {'ref': {'name': 'rejected_value'}}}) }}

{%- set objects = refused_objects() %}

with refused as (
    {%- for object_name in objects %}
    select '{{ object_name }}' as object_name, rejected_fields
    from {{ ref(object_name) }}
    where not is_deleted and rejected_fields is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- for relation in normalised_relations() %}
    union all
    select object_name, rejected_fields
    from {{ ref(relation) }}
    where rejected_fields is not null
    {%- endfor %}
),

noted as (
    select object_name, sum(length(rejected_fields) - length(replace(rejected_fields, ';', ''))) as field_count
    from refused
    group by object_name
),

listed as (
    select object_name, count(*) as field_count
    from {{ ref('rejected_value') }}
    group by object_name
),

difference as (
    select
        coalesce(noted.object_name, listed.object_name) as object_name,
        coalesce(noted.field_count, 0) as noted_count,
        coalesce(listed.field_count, 0) as listed_count
    from noted
    full outer join listed on listed.object_name = noted.object_name
    where coalesce(noted.field_count, 0) <> coalesce(listed.field_count, 0)
)

select * from difference
