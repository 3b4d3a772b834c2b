{# Schemas carry the name a folder gives them, without the prefix dbt puts before them by default; a rebuild as of a time of the past
   has a suffix behind all of them, so that it cannot touch what is live. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}{{ env_var('CONTACT_SYNC_SCHEMA_SUFFIX', '') }}
{%- endmacro %}


{# A table that Python owns in the schema `pipeline` and writes before dbt runs: working state, deliberately no dbt source, so that it
   does not appear as an asset in the graph. (Nor an ephemeral model: a second invocation on the same manifest loses those.)
     bronze_window: object_name, instance, after_sequence, up_to_sequence
     contact_joining_pair: record_key_1, record_key_2, rule (model or steward), score, evidence; pairs that are one by themselves
     account_joining_pair: the same of companies
     golden_rule: entity, field, field_group, source_object, is_owner, rule, trust, null_policy
     refresh: number (one more than the last one's), started_at, started_on (the day in UTC); one row, the clock of every model
     consent_decision: decision_id, person_key, channel (email or phone), accepted_at, steward
     normalized_value: kind, raw, hint, normalized, rule, library, library_version, noted_at
     object_reading: object_name, instance, read_up_to, lag_seconds, promise_seconds
     schema_field: object_name, instance, field, type, length, precision, scale, is_calculated, references, left_out, sql_type, version, noted_at #}
{% macro pipeline_relation(name) -%}
    {{ return(api.Relation.create(database=target.database, schema='pipeline', identifier=name)) }}
{%- endmacro %}
