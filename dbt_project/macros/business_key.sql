{#- The rows with business keys of the records that their ids refer to, which other systems and people know too: the number of an account,
    the name by which a user logs in.

    keys: for each the column that holds the `id`, the model of the `parent`, its column (`key`), and the name of the new column (`as`).
    more_columns: what the model has besides its typed columns and these.

    A parent's key can change, or the parent can come later: the records of this table whose parent came in with the same refresh are
    looked at again, and those with another key now are written too.
-#}
{% macro with_business_keys(relation, keys, more_columns=[]) -%}
    select
        {{ relation }}.*
        {%- for key in keys %},
        parent_{{ loop.index }}.{{ key.key }} as {{ key.as }}
        {%- endfor %}
    from {{ relation }}
    {{- parents_of(relation, keys) }}
    {%- if is_incremental() %}
    union all
    select
        {%- for column in columns_of_model() + ['rejected_fields'] + more_columns %}
        known.{{ column }},
        {%- endfor %}
        {%- for key in keys %}
        parent_{{ loop.index }}.{{ key.key }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ this }} as known
    inner join (
        {%- for key in keys %}
        select child.instance, child.record_id
        from {{ this }} as child
        inner join {{ bronze_relation(key.parent) }} as bronze
            on bronze._instance = child.instance
            and bronze._record_id = child.{{ key.id }}
        inner join {{ pipeline_relation('bronze_window') }} as bronze_window
            on bronze_window.object_name = '{{ key.parent }}'
            and bronze_window.instance = bronze._instance
        where bronze._sequence > bronze_window.after_sequence and bronze._sequence <= bronze_window.up_to_sequence
        {{ 'union' if not loop.last }}
        {%- endfor %}
        {{- ' group by child.instance, child.record_id' if keys | length == 1 }}
    ) as touched
        on touched.instance = known.instance
        and touched.record_id = known.record_id
    {{- parents_of('known', keys) }}
    where (
        {%- for key in keys %}
        coalesce(known.{{ key.as }}, '') <> coalesce(parent_{{ loop.index }}.{{ key.key }}, '')
        {{- ' or' if not loop.last }}
        {%- endfor %}
    )
        and not exists (
            select 1
            from {{ relation }} as newer
            where newer.instance = known.instance and newer.record_id = known.record_id
        )
    {%- endif %}
{%- endmacro %}


{# The owner of a record of Salesforce. A queue is no user, and has no name here. #}
{% macro owner_key() -%}
    {{ return({'id': 'owner_id', 'parent': 'salesforce__user', 'key': 'username', 'as': 'owner_username'}) }}
{%- endmacro %}


{# The account that a record of Salesforce belongs to. #}
{% macro account_key() -%}
    {{ return({'id': 'account_id', 'parent': 'salesforce__account', 'key': 'account_number', 'as': 'account_number'}) }}
{%- endmacro %}


{# The parents of a relation's rows, null where there is none. #}
{% macro parents_of(relation, keys) -%}
    {%- for key in keys %}
    left join {{ ref(key.parent) }} as parent_{{ loop.index }}
        on parent_{{ loop.index }}.instance = {{ relation }}.instance
        and parent_{{ loop.index }}.record_id = {{ relation }}.{{ key.id }}
    {%- endfor %}
{%- endmacro %}


{# A bronze table without being its reader in the graph: the model that is read beside it is. #}
{% macro bronze_relation(name) -%}
    {{ return(api.Relation.create(database=target.database, schema='bronze', identifier=name)) }}
{%- endmacro %}
