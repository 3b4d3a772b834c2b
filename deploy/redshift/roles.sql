-- Roles of least privilege in Redshift. Run by a superuser in the database of contact_sync, once.
-- Only parsed by our tests, never run: there is no Redshift to be had without an account.

create schema if not exists bronze;
create schema if not exists pipeline;
create schema if not exists silver;
create schema if not exists identity;
create schema if not exists gold;
create schema if not exists activation;

-- Loads bronze; sees nothing else.
create role contact_sync_loader;
-- Reads bronze, owns what dbt and the identity step build.
create role contact_sync_transformer;
-- Reads silver and gold, writes plans and differences; never bronze.
create role contact_sync_activation;
-- Analysts: silver and gold, personal columns masked.
create role contact_sync_reader;
-- The few who have a reason to see personal values.
create role contact_sync_person_reader;

-- What contact_sync logs in as: it loads, transforms and plans. Give it a way to log in yourself.
create user contact_sync_service password disable;

grant usage, create on schema bronze to role contact_sync_loader;

grant usage on schema bronze to role contact_sync_transformer;
grant usage, create on schema pipeline to role contact_sync_transformer;
grant usage, create on schema silver to role contact_sync_transformer;
grant usage, create on schema identity to role contact_sync_transformer;
grant usage, create on schema gold to role contact_sync_transformer;

grant usage on schema silver to role contact_sync_activation;
grant usage on schema gold to role contact_sync_activation;
grant usage on schema pipeline to role contact_sync_activation;
grant usage, create on schema activation to role contact_sync_activation;

grant usage on schema silver to role contact_sync_reader;
grant usage on schema gold to role contact_sync_reader;

-- dbt replaces tables: only default privileges of whoever makes them outlive a refresh.
alter default privileges for user contact_sync_service in schema silver grant select on tables to role contact_sync_reader;
alter default privileges for user contact_sync_service in schema gold grant select on tables to role contact_sync_reader;

grant role contact_sync_reader to role contact_sync_person_reader;
grant role contact_sync_loader to contact_sync_service;
grant role contact_sync_transformer to contact_sync_service;
grant role contact_sync_activation to contact_sync_service;
