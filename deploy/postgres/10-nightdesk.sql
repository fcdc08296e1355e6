-- The bot's two roles in PostgreSQL: eyes that can only read, and hands that can only end sessions.
-- Run it by psql (14 or newer) as a superuser, in each database that the bot looks at; again does no harm:
--   READER_PASSWORD=… ACTOR_PASSWORD=… psql -v ON_ERROR_STOP=1 -d shop -f deploy/postgres/10-nightdesk.sql
\getenv reader_password READER_PASSWORD
\getenv actor_password ACTOR_PASSWORD

SELECT 'CREATE ROLE nightdesk_reader LOGIN' WHERE to_regrole('nightdesk_reader') IS NULL \gexec
SELECT 'CREATE ROLE nightdesk_actor LOGIN' WHERE to_regrole('nightdesk_actor') IS NULL \gexec
ALTER ROLE nightdesk_reader PASSWORD :'reader_password' CONNECTION LIMIT 8;
ALTER ROLE nightdesk_actor PASSWORD :'actor_password' CONNECTION LIMIT 4;

-- Sees sessions, locks, replication and statistics; reads no table, writes nothing.
GRANT pg_monitor TO nightdesk_reader;
ALTER ROLE nightdesk_reader SET default_transaction_read_only = on;

-- May cancel queries and end sessions of other roles, never of superusers; reads no table.
GRANT pg_signal_backend, pg_read_all_stats TO nightdesk_actor;

-- For the slowest statements, where the server has it. It also needs shared_preload_libraries = 'pg_stat_statements'.
SELECT 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements'
WHERE EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') \gexec
