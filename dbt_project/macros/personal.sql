{# The columns that hold values about people, by name, wherever they occur in silver, identity and gold: the one list. Account names
   are in it, because those of person accounts and of sole traders are names of people. #}
{% macro personal_columns() %}
    {{ return([
        'salutation', 'first_name', 'first_name_normalized', 'last_name', 'last_name_normalized', 'name_suffix',
        'name', 'name_normalized', 'full_name', 'job_title', 'department', 'badge_id',
        'email', 'email_normalized', 'phone', 'phone_normalized', 'mobile_phone', 'mobile_phone_normalized',
        'street', 'street_normalized', 'city', 'city_normalized', 'postal_code', 'postal_code_normalized', 'address_key',
        'location', 'phone_extension', 'username', 'owner_username',
        'vat_number', 'vat_number_normalized', 'description', 'notes', 'subject', 'value', 'raw_value', 'match_key',
    ]) }}
{% endmacro %}


{# After a table is built: its personal columns are masked for whoever may not see them, where the policies of deploy/ are installed
   (CONTACT_SYNC_MASKING). Replacing a table loses what was masked in it, so that this belongs to every build. A view shows what its
   tables show. #}
{% macro mask_personal_columns() %}
    {%- if execute and env_var('CONTACT_SYNC_MASKING', '') and model.config.materialized != 'view' -%}
        {%- set personal = personal_columns() -%}
        {%- set found = [] -%}
        {%- for column in model.columns.values() if column.name in personal -%}
            {%- do found.append(column.name) -%}
        {%- endfor -%}
        {{ adapter.dispatch('mask_columns')(this, found) if found }}
    {%- endif -%}
{% endmacro %}


{# An engine without masking: nothing to do. #}
{% macro default__mask_columns(relation, columns) -%}
{%- endmacro %}


{% macro snowflake__mask_columns(relation, columns) -%}
    alter table {{ relation }} modify
    {%- for column in columns %}
        column {{ column }} set masking policy {{ relation.database }}.security.personal_text force{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{# A table that was not replaced keeps its policies, and a second attachment would be an error. #}
{% macro redshift__mask_columns(relation, columns) -%}
    {%- set masked = run_query(
        "select output_columns from svv_attached_masking_policy where policy_name = 'personal_text' and schema_name = '"
        ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "'"
    ).columns[0].values() | join(' ') -%}
    {%- set bare = [] -%}
    {%- for column in columns if '"' ~ column ~ '"' not in masked -%}
        {%- do bare.append(column) -%}
    {%- endfor -%}
    {{ redshift_masking_statements(relation, bare) }}
{%- endmacro %}


{# Of several policies on a column the one with the greatest priority counts; no two may have the same. #}
{% macro redshift_masking_statements(relation, columns) -%}
    {%- for column in columns %}
    attach masking policy personal_text on {{ relation.include(database=false) }} ({{ column }}) to public priority 10;
    {%- for role in ['contact_sync_person_reader', 'contact_sync_transformer', 'contact_sync_activation'] %}
    attach masking policy plain_text on {{ relation.include(database=false) }} ({{ column }}) to role {{ role }} priority {{ 10 + loop.index }};
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
