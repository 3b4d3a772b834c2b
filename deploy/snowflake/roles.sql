-- Roles of least privilege in Snowflake. Run as SECURITYADMIN and SYSADMIN (or ACCOUNTADMIN), once; it can be run again.
-- Names: the database is CONTACTS, the compute warehouse CONTACT_SYNC. Change both here if yours are called otherwise.
-- Only parsed by our tests, never run: the server they use does not know GRANT.

create database if not exists contacts;
create schema if not exists contacts.bronze;
create schema if not exists contacts.pipeline;
create schema if not exists contacts.silver;
create schema if not exists contacts.identity;
create schema if not exists contacts.gold;
create schema if not exists contacts.activation;

-- One minute, the least that is billed at each resume: docs/snowflake_cost.md.
create warehouse if not exists contact_sync
    warehouse_size = xsmall
    auto_suspend = 60
    auto_resume = true
    initially_suspended = true;

-- Loads bronze; sees nothing else.
create role if not exists contact_sync_loader;
-- Reads bronze, owns what dbt and the identity step build.
create role if not exists contact_sync_transformer;
-- Reads silver and gold, writes plans and differences; never bronze.
create role if not exists contact_sync_activation;
-- Analysts: silver and gold, personal columns masked.
create role if not exists contact_sync_reader;
-- The few who have a reason to see personal values.
create role if not exists contact_sync_person_reader;
-- What contact_sync logs in as: it loads, transforms and plans, and is nobody's own role.
create role if not exists contact_sync_service;

grant usage on warehouse contact_sync to role contact_sync_loader;
grant usage on warehouse contact_sync to role contact_sync_transformer;
grant usage on warehouse contact_sync to role contact_sync_activation;
grant usage on warehouse contact_sync to role contact_sync_reader;

grant usage on database contacts to role contact_sync_loader;
grant usage on database contacts to role contact_sync_transformer;
grant usage on database contacts to role contact_sync_activation;
grant usage on database contacts to role contact_sync_reader;

grant usage on schema contacts.bronze to role contact_sync_loader;
grant create table on schema contacts.bronze to role contact_sync_loader;
grant create stage on schema contacts.bronze to role contact_sync_loader;
grant create file format on schema contacts.bronze to role contact_sync_loader;

grant usage on schema contacts.bronze to role contact_sync_transformer;
grant select on future tables in schema contacts.bronze to role contact_sync_transformer;
-- `contact-sync rebuild --as-of` makes a schema of its own.
grant create schema on database contacts to role contact_sync_transformer;
grant all privileges on schema contacts.pipeline to role contact_sync_transformer;
grant all privileges on schema contacts.silver to role contact_sync_transformer;
grant all privileges on schema contacts.identity to role contact_sync_transformer;
grant all privileges on schema contacts.gold to role contact_sync_transformer;

grant usage on schema contacts.silver to role contact_sync_activation;
grant usage on schema contacts.gold to role contact_sync_activation;
grant usage on schema contacts.pipeline to role contact_sync_activation;
grant select on future tables in schema contacts.silver to role contact_sync_activation;
grant select on future tables in schema contacts.gold to role contact_sync_activation;
grant select on future tables in schema contacts.pipeline to role contact_sync_activation;
grant all privileges on schema contacts.activation to role contact_sync_activation;

-- dbt replaces tables: only grants on future tables outlive a refresh.
grant usage on schema contacts.silver to role contact_sync_reader;
grant usage on schema contacts.gold to role contact_sync_reader;
grant select on all tables in schema contacts.silver to role contact_sync_reader;
grant select on all tables in schema contacts.gold to role contact_sync_reader;
grant select on future tables in schema contacts.silver to role contact_sync_reader;
grant select on future tables in schema contacts.gold to role contact_sync_reader;

grant role contact_sync_reader to role contact_sync_person_reader;
grant role contact_sync_loader to role contact_sync_service;
grant role contact_sync_transformer to role contact_sync_service;
grant role contact_sync_activation to role contact_sync_service;
grant role contact_sync_service to role sysadmin;
