{%- set objects = refused_objects() -%}

with refused as (
    {%- for object_name in objects %}
    select '{{ object_name }}' as object_name, instance, record_id, version_at, rejected_fields
    from {{ ref(object_name) }}
    where rejected_fields is not null and not is_deleted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- for relation in normalised_relations() %}
    union all
    select object_name, instance, record_id, version_at, rejected_fields
    from {{ ref(relation) }}
    where rejected_fields is not null
    {%- endfor %}
),

digit as (
    {%- for digit in range(10) %}
    select {{ digit }} as digit
    {%- if not loop.last %} union all{% endif %}
    {%- endfor %}
),

place as (
    select 100 * hundreds.digit + 10 * tens.digit + units.digit + 1 as place
    from digit as hundreds
    cross join digit as tens
    cross join digit as units
),

entry as (
    select
        refused.object_name,
        refused.instance,
        refused.record_id,
        refused.version_at,
        split_part(refused.rejected_fields, ';', place.place) as entry
    from refused
    join place on place.place <= length(refused.rejected_fields) - length(replace(refused.rejected_fields, ';', ''))
),

rejected as (
    select
        cast(object_name || '/' || instance || '/' || record_id as {{ text_type() }}) as record_key,
        cast(object_name as {{ text_type() }}) as object_name,
        cast(instance as {{ text_type() }}) as instance,
        cast(record_id as {{ text_type() }}) as record_id,
        cast(split_part(entry, '|', 1) as {{ text_type() }}) as field,
        cast(split_part(entry, '|', 2) as {{ text_type() }}) as rule,
        cast(split_part(entry, '|', 3) as {{ text_type() }}) as kind_of_value,
        version_at
    from entry
)

select * from rejected
