{# How models follow what they read: rows of what has changed since their last build are replaced, all others stay.

   A relation of changes has a key and `changed_in`, a number that grows: of a refresh (`pipeline.refresh`), or of a resolution of
   identities. contact_sync/warehouse/definitions.py notes for each model up to which number its table is filled, and gives it to dbt. #}


{# Says at the top of a model what it follows: changes, a model or a table of a source as `source.table`, by their column `key`, which
   the model has too, unless it is small and made whole (is_replaced=false). #}
{% macro follows(changes, key, is_replaced=true) -%}
    {%- if not execute -%}
    {#- The graph is made of what is read now. -#}
    {%- do relation_of_changes(changes) -%}
    {%- endif -%}
    {%- set meta = {'changes': changes, 'changed_key': key} -%}
    {%- if is_replaced -%}
    {{ config(materialized='incremental', incremental_strategy='replace_changed', unique_key=key, meta=meta) }}
    {%- else -%}
    {{ config(meta=meta) }}
    {%- endif -%}
{%- endmacro %}


{# The number of this refresh: rows that it writes are told by it. A rebuild as of a time of the past is none. #}
{% macro this_refresh() -%}
    {%- if env_var('CONTACT_SYNC_AS_OF', '') -%}
    cast(0 as bigint)
    {%- else -%}
    (select cast(number as bigint) from {{ pipeline_relation('refresh') }})
    {%- endif -%}
{%- endmacro %}


{# Whether this model goes on from its last build: not in unit tests, before the first one, and when it is filled anew. #}
{% macro has_last_build() -%}
    {{ return(execute and this and not should_full_refresh() and load_relation(this) is not none) }}
{%- endmacro %}


{# Keeps the rows whose `key` may have changed since the last build of this model; all where there was none. #}
{% macro where_changed(key) -%}
    {%- if has_last_build() -%}
    {%- set meta = config.get('meta') -%}
    where {{ key }} in ({{ changed_keys(relation_of_changes(meta.changes), meta.changed_key) }})
    {%- endif -%}
{%- endmacro %}


{# The relation that the `changes` of a model name. #}
{% macro relation_of_changes(name) -%}
    {{ return(source(*name.split('.')) if '.' in name else ref(name)) }}
{%- endmacro %}


{# The records of an object that may have changed since this model was built the last time, as a relation. #}
{% macro changed_records(object_name) -%}
    {%- if has_last_build() -%}
    (select * from {{ ref(object_name) }} {{ where_changed(record_key(object_name, 'instance', 'record_id')) }})
    {%- else -%}
    {{ ref(object_name) }}
    {%- endif -%}
{%- endmacro %}


{# A query of the keys in a relation of changes that this model has not seen yet. #}
{% macro changed_keys(changes, key, name=none) -%}
    select {{ key }} from {{ changes }} where changed_in > {{ last_change_seen(name) }}
{%- endmacro %}


{# Up to which change a model is filled, this one by default; nothing is too old for a model of which nobody knows. #}
{% macro last_change_seen(name=none) -%}
    {%- set seen = {} -%}
    {%- for entry in env_var('CONTACT_SYNC_CHANGES_SEEN', '').split(',') if entry -%}
        {%- do seen.update({entry.partition('=')[0]: entry.partition('=')[2]}) -%}
    {%- endfor -%}
    {{ return(seen.get(name or model.name, '-1')) }}
{%- endmacro %}


{# The incremental strategy `replace_changed`: what has changed is deleted, and what there is of it now comes in its place. #}
{% macro get_incremental_replace_changed_sql(arguments) -%}
    {%- set columns = arguments.dest_columns | map(attribute='name') | map('lower') | join(', ') -%}
    {%- set statements -%}
    delete from {{ arguments.target_relation }}
    where {{ arguments.unique_key }} in ({{ changed_keys(relation_of_changes(config.get('meta').changes), arguments.unique_key) }});

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
    {%- endset -%}
    {{ return(adapter.dispatch('in_one_transaction')(statements)) }}
{%- endmacro %}

{% macro default__in_one_transaction(statements) -%}
    {{ return(statements) }}
{%- endmacro %}

{# Snowflake commits each statement by itself. #}
{% macro snowflake__in_one_transaction(statements) -%}
    {{ return(snowflake_dml_explicit_transaction(statements)) }}
{%- endmacro %}


{#- What tests look at: of a model that goes on from its last build, the rows of what has changed, because the rest was looked at then.
    dbt asks this for every generic test. -#}
{% macro get_where_subquery(relation) -%}
    {%- set changed = where_changed_in(model.attached_node.split('.')[-1]) if execute and model.attached_node else '' -%}
    {%- set rows = '(select * from ' ~ relation ~ ' ' ~ changed ~ ') as changed_row' if changed else relation -%}
    {{ return(dbt.default__get_where_subquery(rows)) }}
{%- endmacro %}


{#- For tests of a model: keeps the rows whose `key`, by default its `unique_key`, has changed since its last build. All of them are looked
    at where it was filled anew, and where nobody knows. -#}
{% macro where_changed_in(name, key=none) -%}
    {%- set follower = fromjson(env_var('CONTACT_SYNC_GOING_ON', '{}')).get(name) -%}
    {{ return('where ' ~ (key or follower.key) ~ ' in (' ~ changed_keys(follower.changes, follower.key, name) ~ ')' if follower else '') }}
{%- endmacro %}
