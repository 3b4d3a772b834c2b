-- Dynamic data masking of personal columns in Redshift. Run after roles.sql by a superuser or sys:secadmin, once.
-- With CONTACT_SYNC_MASKING=true each build attaches the policies to the personal columns of every table it replaces; which they
-- are is said once, by `personal_columns` in dbt_project/macros/personal.sql. Only parsed by our tests, never run.

-- Whoever may not see a value sees its hash, so that counting, joining and grouping go on working.
create masking policy personal_text with (value varchar(65535)) using (sha2(value, 256));
create masking policy plain_text with (value varchar(65535)) using (value);

-- The builder attaches the policies to its own tables.
grant role sys:secadmin to contact_sync_service;
