"""The only statements that are ever sent to an observed PostgreSQL (14 or newer); all of them read catalogue views."""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg.sql import SQL, Composed

ROLE: Final[LiteralString] = """
SELECT rolname AS name, pg_has_role('pg_monitor', 'USAGE') AS monitors,
    rolsuper OR has_database_privilege(current_database(), 'CREATE') OR EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%%'
          AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    ) AS may_write
FROM pg_roles WHERE rolname = current_user
"""

_SESSION: Final = SQL("""
    a.pid, a.backend_start, a.backend_type, coalesce(r.rolsuper, false) AS superuser,
    a.usename AS role, a.application_name AS application, host(a.client_addr) AS client, a.state,
    a.xact_start AS transaction_start, a.query_start,
    extract(epoch FROM clock_timestamp() - a.xact_start) AS transaction_age_s,
    extract(epoch FROM clock_timestamp() - a.state_change) AS state_age_s,
    extract(epoch FROM clock_timestamp() - a.query_start) AS statement_age_s,
    a.wait_event_type, a.wait_event, a.query AS statement
""")

# A waiter on a row waits for the transaction that holds it; the table is told by its tuple lock.
LOCKS: Final[Composed] = SQL("""
WITH waiting AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS blocked_by FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database() AND pid <> pg_backend_pid()
    ORDER BY query_start LIMIT 500
), involved AS (
    SELECT pid FROM waiting UNION SELECT unnest(blocked_by) FROM waiting
)
SELECT {session}, w.blocked_by, lock.mode AS wanted_mode,
    extract(epoch FROM clock_timestamp() - coalesce(lock.waitstart, a.query_start)) AS waited_s,
    coalesce(lock.relation, tuple.relation)::regclass::text AS relation
FROM involved JOIN pg_stat_activity a USING (pid)
LEFT JOIN waiting w USING (pid)
LEFT JOIN pg_roles r ON r.oid = a.usesysid
LEFT JOIN LATERAL (
    SELECT mode, waitstart, relation FROM pg_locks WHERE pid = w.pid AND NOT granted LIMIT 1
) lock ON true
LEFT JOIN LATERAL (
    SELECT relation FROM pg_locks WHERE pid = w.pid AND granted AND locktype = 'tuple' LIMIT 1
) tuple ON true
""").format(session=_SESSION)

# Prepared transactions hold locks without a session; waiters show them as blocker 0.
PREPARED: Final[LiteralString] = """
SELECT gid AS name, owner AS role, extract(epoch FROM clock_timestamp() - prepared) AS age_s
FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 20
"""

TRANSACTIONS: Final[Composed] = SQL("""
SELECT {session}
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND a.xact_start < clock_timestamp() - make_interval(secs => %(older_than_s)s)
ORDER BY a.xact_start LIMIT 20
""").format(session=_SESSION)

ACTIVE: Final[Composed] = SQL("""
SELECT {session}
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND a.state = 'active' AND a.query_start < clock_timestamp() - make_interval(secs => %(older_than_s)s)
ORDER BY a.query_start LIMIT 20
""").format(session=_SESSION)

CONNECTIONS: Final[LiteralString] = """
SELECT current_setting('max_connections')::int AS limit_total,
    current_setting('superuser_reserved_connections')::int AS reserved,
    count(*) AS used,
    count(*) FILTER (WHERE datname = current_database()) AS used_here,
    count(*) FILTER (WHERE state = 'active') AS active,
    count(*) FILTER (WHERE state = 'idle') AS idle,
    count(*) FILTER (WHERE state LIKE 'idle in transaction%%') AS idle_in_transaction,
    (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()) AS limit_here
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""

HOLDERS: Final[LiteralString] = """
SELECT a.usename AS role, a.application_name AS application, count(*) AS used,
    (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = a.usename) AS limit_role,
    sum(count(*)) OVER (PARTITION BY a.usename) AS used_role
FROM pg_stat_activity a WHERE a.backend_type = 'client backend'
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8
"""

BEGINNINGS: Final[LiteralString] = """
SELECT usename AS role, coalesce(datname = current_database(), false) AS here, backend_start AS at
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND backend_start IS NOT NULL LIMIT 10000
"""

STATEMENTS_SCHEMA: Final[LiteralString] = """
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements' AND current_setting('shared_preload_libraries') LIKE '%%pg_stat_statements%%'
"""

# Without the texts the view does not read its file, which can be large.
STATEMENT_COUNTS: Final[LiteralString] = """
SELECT userid, queryid, toplevel, calls, total_exec_time AS total_ms, rows, shared_blks_read AS blocks_read,
    temp_blks_written AS temp_blocks
FROM {schema}.pg_stat_statements(false)
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL
ORDER BY total_exec_time DESC LIMIT 2000
"""

STATEMENT_TEXTS: Final[LiteralString] = """
SELECT DISTINCT ON (queryid) queryid, query FROM {schema}.pg_stat_statements(true) WHERE queryid = ANY(%(queryids)s)
"""

COUNTERS: Final[LiteralString] = """
SELECT clock_timestamp() AS at, deadlocks, temp_files, temp_bytes, xact_commit AS commits, xact_rollback AS rollbacks,
    blks_hit AS blocks_hit, blks_read AS blocks_read, stats_reset AS since,
    pg_postmaster_start_time() AS server_started_at, current_setting('work_mem') AS work_mem
FROM pg_stat_database WHERE datname = current_database()
"""

_ARCHIVE: Final = SQL("""
    current_setting('max_wal_size') AS max_wal_size, a.failed_count AS archive_failures,
    coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS archiving_fails
""")

CHECKPOINTS_UNTIL_16: Final[Composed] = SQL("""
SELECT checkpoints_timed AS timed, checkpoints_req AS requested, checkpoint_write_time AS write_ms,
    checkpoint_sync_time AS sync_ms, {archive}
FROM pg_stat_bgwriter, pg_stat_archiver a
""").format(archive=_ARCHIVE)

CHECKPOINTS: Final[Composed] = SQL("""
SELECT num_timed AS timed, num_requested AS requested, write_time AS write_ms, sync_time AS sync_ms, {archive}
FROM pg_stat_checkpointer, pg_stat_archiver a
""").format(archive=_ARCHIVE)

# The largest tables, for which reading them from end to end is expensive.
TABLES: Final[LiteralString] = """
SELECT s.relid::bigint AS relid, s.relid::regclass::text AS name, s.n_live_tup AS live_rows,
    c.relpages * current_setting('block_size')::bigint AS size_bytes,
    s.seq_scan AS scans, s.seq_tup_read AS scanned_rows,
    ARRAY(SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
          WHERE x.indrelid = s.relid AND x.indisvalid) AS indexes
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
ORDER BY greatest(c.relpages, s.n_live_tup / 50) DESC LIMIT 200
"""

# The database that is nearest to its end stops the whole server. The last value is what autovacuum is told to obey.
WRAPAROUND: Final[LiteralString] = """
SELECT datname AS database, greatest(age(datfrozenxid), mxid_age(datminmxid)) AS age,
    current_setting('autovacuum_freeze_max_age')::bigint AS freeze_at
FROM pg_database WHERE datallowconn ORDER BY 2 DESC LIMIT 1
"""

UNCLEAN: Final[LiteralString] = """
SELECT s.relid::regclass::text AS name, s.n_live_tup AS live_rows, s.n_dead_tup AS dead_rows,
    current_setting('autovacuum_vacuum_threshold')::float8
        + current_setting('autovacuum_vacuum_scale_factor')::float8 * greatest(c.reltuples, 0) AS cleaned_at,
    extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum)) AS vacuumed_ago_s,
    current_setting('autovacuum') = 'off' OR EXISTS (
        SELECT FROM pg_options_to_table(c.reloptions)
        WHERE option_name = 'autovacuum_enabled' AND option_value IN ('false', 'off', 'no', '0')
    ) AS autovacuum_off
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.n_dead_tup > 0 ORDER BY s.n_dead_tup DESC LIMIT 20
"""

# Rows that somebody may still want to see cannot be cleaned away; who is it that may want the oldest?
HORIZON: Final[LiteralString] = """
SELECT * FROM (
    SELECT 'session' AS kind, pid::text AS name, age(backend_xmin) AS age, state FROM pg_stat_activity
    WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()
    UNION ALL SELECT 'prepared transaction', gid, age(transaction), NULL FROM pg_prepared_xacts
    UNION ALL SELECT 'replication slot', slot_name::text, greatest(age(xmin), age(catalog_xmin)), NULL
    FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
    UNION ALL SELECT 'standby', application_name, age(backend_xmin), NULL
    FROM pg_stat_replication WHERE backend_xmin IS NOT NULL
) holders ORDER BY age DESC LIMIT 1
"""

STALLED_VACUUMS: Final[LiteralString] = """
SELECT count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting, count(*) AS running,
    current_setting('autovacuum_max_workers')::int AS workers
FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'
"""

SPACE: Final[LiteralString] = """
SELECT clock_timestamp() AS at, pg_database_size(current_database()) AS database_bytes,
    (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()) AS log_bytes,
    (SELECT coalesce(sum(size), 0) FROM pg_ls_tmpdir()) AS temporary_bytes
"""

STANDBYS: Final[LiteralString] = """
SELECT application_name AS name, host(client_addr) AS client, state, sync_state,
    extract(epoch FROM coalesce(replay_lag, interval '0')) AS lag_s,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) END AS lag_bytes
FROM pg_stat_replication ORDER BY lag_bytes DESC NULLS LAST LIMIT 20
"""

SLOTS: Final[LiteralString] = """
SELECT slot_name AS name, slot_type AS type, active, wal_status,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END AS retained_bytes
FROM pg_replication_slots ORDER BY retained_bytes DESC NULLS LAST LIMIT 20
"""

# The clock says nothing about a standby that has replayed everything: then the primary was only quiet. One that is not
# connected cannot know of more, so there only the clock is left.
RECOVERY: Final[LiteralString] = """
SELECT r.standby, NOT r.standby OR r.receiving AS receiving,
    CASE WHEN r.standby AND (NOT r.receiving OR pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn())
         THEN coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) ELSE 0 END
         AS behind_s,
    CASE WHEN r.standby THEN pg_is_wal_replay_paused() ELSE false END AS paused,
    (SELECT setting::float8 / 1000 FROM pg_settings WHERE name = 'recovery_min_apply_delay') AS meant_s
FROM (SELECT pg_is_in_recovery() AS standby, EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving) r
"""
