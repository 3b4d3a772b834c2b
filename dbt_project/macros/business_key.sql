{#- The rows with the business key of the record that an id refers to, such as the number of an account, which other systems know too.

    The parent's key can change, or the parent can come later: the records of this table whose parent came in with the same refresh are
    looked at again, and those with another key now are written too.
-#}
{% macro with_business_key(relation, id, parent, key) -%}
    select {{ relation }}.*, parent.{{ key }}
    from {{ relation }}
    left join {{ ref(parent) }} as parent
        on parent.instance = {{ relation }}.instance
        and parent.record_id = {{ relation }}.{{ id }}
    {%- if is_incremental() %}
    union all
    select
        {%- for column in columns_of_model() + ['rejected_fields'] %}
        known.{{ column }},
        {%- endfor %}
        changed.{{ key }}
    from {{ this }} as known
    inner join (
        select parent.instance, parent.record_id, parent.{{ key }}
        from {{ ref(parent) }} as parent
        inner join (
            select distinct bronze._instance, bronze._record_id
            from {{ bronze_relation(parent) }} as bronze
            inner join {{ pipeline_relation('bronze_window') }} as bronze_window
                on bronze_window.object_name = '{{ parent }}'
                and bronze_window.instance = bronze._instance
            where bronze._sequence > bronze_window.after_sequence and bronze._sequence <= bronze_window.up_to_sequence
        ) as incoming
            on incoming._instance = parent.instance
            and incoming._record_id = parent.record_id
    ) as changed
        on changed.instance = known.instance
        and changed.record_id = known.{{ id }}
    where coalesce(known.{{ key }}, '') <> coalesce(changed.{{ key }}, '')
        and not exists (
            select 1
            from {{ relation }} as newer
            where newer.instance = known.instance and newer.record_id = known.record_id
        )
    {%- endif %}
{%- endmacro %}


{# A bronze table without being its reader in the graph: the model that is read beside it is. #}
{% macro bronze_relation(name) -%}
    {{ return(api.Relation.create(database=target.database, schema='bronze', identifier=name)) }}
{%- endmacro %}
