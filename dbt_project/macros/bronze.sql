{# The bronze rows that this run has to process: those inside the window of their instance.
   A rebuild starts from nothing and therefore reads from the beginning up to the same upper bound; one as of a time of the past
   reads what had been extracted by then. #}
{% macro bronze_batch(object_name) %}
    select bronze.*
    from {{ source('bronze', object_name) }} as bronze
    {%- set as_of = env_var('CONTACT_SYNC_AS_OF', '') %}
    {%- if as_of %}
    where bronze._extracted_at <= cast('{{ as_of }}' as timestamp with time zone)
    {%- else %}
    join {{ pipeline_relation('bronze_window') }} as bronze_window
        on bronze_window.object_name = '{{ object_name }}'
        and bronze_window.instance = bronze._instance
    where bronze._sequence <= bronze_window.up_to_sequence
        {%- if is_incremental() %}
        and bronze._sequence > bronze_window.after_sequence
        {%- endif %}
    {%- endif %}
{%- endmacro %}


{# Of several versions of a record the greatest (source time, is deleted, extraction time). Where the source gives no time, such as
   for a record missing from a complete key sweep, it is the time of extraction. The row hash only makes a tie between different
   rows of one extraction deterministic. Most records come in one version, which is sorted with no other. A column that
   gets a type is there as trimmed text besides (typing.sql). #}
{% macro latest_version(relation) %}
    with repeated as (
        select _instance, _record_id
        from {{ relation }}
        group by _instance, _record_id
        having count(*) > 1
    )

    select
        placed.*
        {%- for column in trimmed_columns_of_model() %},
        {{ as_text(column) }} as {{ trimmed_column(column) }}
        {%- endfor %}
    from (
        select {{ relation }}.*, 1 as _place
        from {{ relation }}
        left join repeated
            on repeated._instance = {{ relation }}._instance
            and repeated._record_id = {{ relation }}._record_id
        where repeated._record_id is null
        union all
        select *
        from (
            select
                {{ relation }}.*,
                row_number() over (
                    partition by {{ relation }}._instance, {{ relation }}._record_id
                    order by
                        coalesce(_version_at, _extracted_at) desc,
                        _is_deleted desc nulls last,
                        _extracted_at desc,
                        {{ in_byte_order('_row_hash') }} desc nulls last
                ) as _place
            from {{ relation }}
            inner join repeated
                on repeated._instance = {{ relation }}._instance
                and repeated._record_id = {{ relation }}._record_id
        ) as placed_version
        where _place = 1
    ) as placed
{%- endmacro %}

{# Drops the rows that this table already holds in the same or in a greater version. #}
{% macro keep_newer(relation) %}
    select incoming.*
    from {{ relation }} as incoming
    {%- if is_incremental() %}
    left join {{ this }} as known
        on known.instance = incoming.instance
        and known.record_id = incoming.record_id
    where known.record_id is null
        or {{ is_newer('incoming', 'known') }}
    {%- endif %}
{%- endmacro %}


{# Whether one version of a record is greater than another. Spelled out: Snowflake and Redshift do not compare rows of values. #}
{% macro is_newer(version, other) -%}
    {%- set time, other_time = version_time(version), version_time(other) -%}
    {%- set deleted, other_deleted = version ~ '.is_deleted', other ~ '.is_deleted' -%}
    ({{ time }} > {{ other_time }}
            or ({{ time }} = {{ other_time }} and {{ deleted }} and not {{ other_deleted }})
            or ({{ time }} = {{ other_time }} and {{ deleted }} = {{ other_deleted }}
                and {{ version }}.extracted_at > {{ other }}.extracted_at))
{%- endmacro %}

{% macro version_time(version) -%}
    coalesce({{ version }}.version_at, {{ version }}.extracted_at)
{%- endmacro %}


{# The columns every silver source table ends with, before `checked` adds its own. #}
{% macro version_columns() -%}
    {{ sent_columns() }}_version_at as version_at,
        coalesce(_is_deleted, false) as is_deleted,
        _extracted_at as extracted_at,
        _batch_id as batch_id
{%- endmacro %}


{# A table whose model changed since it was filled is filled anew from bronze: contact_sync/warehouse/definitions.py says which. #}
{% macro should_full_refresh() -%}
    {%- set asked = config.get('full_refresh') -%}
    {%- set changed = model.name in env_var('CONTACT_SYNC_REBUILD', '').split(',') -%}
    {{ return((flags.FULL_REFRESH or changed) if asked is none else asked) }}
{%- endmacro %}
