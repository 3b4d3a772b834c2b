{# The bronze rows that this run has to process: those inside the window of their instance.
   A rebuild starts from nothing and therefore reads from the beginning up to the same upper bound. #}
{% macro bronze_batch(object_name) %}
    select bronze.*
    from {{ source('bronze', object_name) }} as bronze
    join {{ pipeline_relation('bronze_window') }} as bronze_window
        on bronze_window.object_name = '{{ object_name }}'
        and bronze_window.instance = bronze._instance
    where bronze._sequence <= bronze_window.up_to_sequence
        {%- if is_incremental() %}
        and bronze._sequence > bronze_window.after_sequence
        {%- endif %}
{%- endmacro %}


{# Of several versions of a record the greatest (source time, is deleted, extraction time). Where the source gives no time, such as
   for a record missing from a complete key sweep, it is the time of extraction. The row hash only makes a tie between different
   rows of one extraction deterministic. #}
{% macro latest_version(relation) %}
    select *
    from {{ relation }}
    qualify row_number() over (
        partition by _instance, _record_id
        order by coalesce(_version_at, _extracted_at) desc, _is_deleted desc, _extracted_at desc, _row_hash desc
    ) = 1
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
        or {{ version('incoming') }} > {{ version('known') }}
    {%- endif %}
{%- endmacro %}


{% macro version(relation) -%}
    (coalesce({{ relation }}.version_at, {{ relation }}.extracted_at), {{ relation }}.is_deleted, {{ relation }}.extracted_at)
{%- endmacro %}


{# The columns every silver source table ends with. #}
{% macro version_columns() -%}
    _version_at as version_at,
        coalesce(_is_deleted, false) as is_deleted,
        _extracted_at as extracted_at,
        _batch_id as batch_id
{%- endmacro %}
