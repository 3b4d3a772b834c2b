-- Masking of personal columns in Snowflake (Enterprise Edition or higher). Run after roles.sql, as ACCOUNTADMIN, once.
-- With CONTACT_SYNC_MASKING=true each build sets the policy on the personal columns of every table it replaces; which they are
-- is said once, by `personal_columns` in dbt_project/macros/personal.sql. Only parsed by our tests, never run.

create schema if not exists contacts.security;

-- Whoever may not see a value sees its hash, so that counting, joining and grouping go on working.
create masking policy if not exists contacts.security.personal_text as (value varchar) returns varchar ->
    case
        when value is null then null
        when is_role_in_session('CONTACT_SYNC_PERSON_READER') then value
        when is_role_in_session('CONTACT_SYNC_TRANSFORMER') then value
        when is_role_in_session('CONTACT_SYNC_ACTIVATION') then value
        else sha2(value, 256)
    end;

-- The builder sets the policy on its own tables; nobody else may take it off.
grant usage on schema contacts.security to role contact_sync_transformer;
grant apply on masking policy contacts.security.personal_text to role contact_sync_transformer;
