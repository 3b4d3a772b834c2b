-- Bronze in PostgreSQL (docs/lake_in_postgresql.md): the schemas, the role that extracts into them, and one that may look.
-- Run by the owner of a database of its own, once. Give both roles a way to log in yourself: `alter role ... login password ...`.

create role contact_sync_loader nologin;
create role contact_sync_bronze_reader nologin;

create schema bronze authorization contact_sync_loader;
create schema bronze_staging authorization contact_sync_loader;
revoke all on schema public from public;

-- Bronze holds everything that the sources sent, personal data included: grant this to nobody by habit.
grant usage on schema bronze to contact_sync_bronze_reader;
alter default privileges for role contact_sync_loader in schema bronze grant select on tables to contact_sync_bronze_reader;
