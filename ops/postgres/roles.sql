-- The database and its two logins, made by an administrator, once. Run again it changes nothing but the passwords.
--
--   psql -v database=orders -v owner=orders_owner -v service=orders_service -f ops/postgres/roles.sql
--
-- with OWNER_PASSWORD and SERVICE_PASSWORD in the environment. The owner makes and changes tables (`orders migrate`). The
-- service owns nothing and has no right of its own: a unit of work takes one of the three roles, and row security holds
-- it to its tenant.
\set ON_ERROR_STOP on
set client_min_messages = warning;
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD

select format('create role %I nologin noinherit', name) from unnest(array['orders_app', 'orders_jobs', 'orders_auditor']) name
  where not exists (select 1 from pg_roles where rolname = name) \gexec
select format('create role %I login', :'owner') where not exists (select 1 from pg_roles where rolname = :'owner') \gexec
select format('create role %I login noinherit', :'service')
  where not exists (select 1 from pg_roles where rolname = :'service') \gexec

alter role :"owner" password :'owner_password';
alter role :"service" password :'service_password';
grant orders_app, orders_jobs, orders_auditor to :"owner", :"service";

select format('create database %I owner %I', :'database', :'owner')
  where not exists (select 1 from pg_database where datname = :'database') \gexec
revoke all on database :"database" from public;
grant connect on database :"database" to :"service";
