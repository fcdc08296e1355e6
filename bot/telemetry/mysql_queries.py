"""The only statements that are ever sent to an observed MySQL (8.0) or MariaDB (10.5) or newer; all read catalogues."""

from __future__ import annotations

from typing import Final

READ_ONLY: Final = "SET SESSION TRANSACTION READ ONLY"
# Start times of transactions are in the system's time, whatever the session's; ages must be made of the same.
SYSTEM_TIME: Final = "SET SESSION time_zone = 'SYSTEM'"
LOCK_TIMEOUT: Final = "SET SESSION lock_wait_timeout = %(seconds)s"
TIMEOUT_MARIADB: Final = "SET SESSION max_statement_time = %(seconds)s"
TIMEOUT_MYSQL: Final = "SET SESSION max_execution_time = %(milliseconds)s"

VERSION: Final = "SELECT VERSION() AS version"
GRANTS: Final = "SHOW GRANTS"
ROLE: Final = "SELECT CURRENT_USER() AS name"

SESSIONS: Final = """
SELECT p.ID AS pid, p.USER AS user, p.HOST AS client, p.DB AS `schema`, p.COMMAND AS command, p.STATE AS state,
    p.TIME AS state_age_s, p.INFO AS statement, t.trx_rows_modified AS rows_modified,
    timestampdiff(MICROSECOND, t.trx_started, now(6)) / 1e6 AS transaction_age_s,
    timestampdiff(MICROSECOND, t.trx_wait_started, now(6)) / 1e6 AS waited_s
FROM information_schema.PROCESSLIST p
LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
WHERE p.ID <> CONNECTION_ID() AND p.USER NOT IN ('system user', 'event_scheduler')
    AND (t.trx_id IS NOT NULL OR p.COMMAND NOT IN ('Sleep', 'Daemon', 'Binlog Dump', 'Binlog Dump GTID'))
LIMIT 1000
"""

ROW_LOCKS_MARIADB: Final = """
SELECT w.trx_mysql_thread_id AS waiter, b.trx_mysql_thread_id AS blocker, l.lock_table AS relation, l.lock_mode AS mode
FROM information_schema.INNODB_LOCK_WAITS x
JOIN information_schema.INNODB_TRX w ON w.trx_id = x.requesting_trx_id
JOIN information_schema.INNODB_TRX b ON b.trx_id = x.blocking_trx_id
LEFT JOIN information_schema.INNODB_LOCKS l ON l.lock_id = x.requested_lock_id
LIMIT 2000
"""

ROW_LOCKS_MYSQL: Final = """
SELECT w.trx_mysql_thread_id AS waiter, b.trx_mysql_thread_id AS blocker,
    concat(l.OBJECT_SCHEMA, '.', l.OBJECT_NAME) AS relation, l.LOCK_MODE AS mode
FROM performance_schema.data_lock_waits x
JOIN information_schema.INNODB_TRX w ON w.trx_id = x.REQUESTING_ENGINE_TRANSACTION_ID
JOIN information_schema.INNODB_TRX b ON b.trx_id = x.BLOCKING_ENGINE_TRANSACTION_ID
LEFT JOIN performance_schema.data_locks l ON l.ENGINE_LOCK_ID = x.REQUESTING_ENGINE_LOCK_ID AND l.ENGINE = x.ENGINE
LIMIT 2000
"""

# Empty where the instrument wait/lock/metadata/sql/mdl is off, as it is in MariaDB unless somebody switches it on.
METADATA_LOCKS: Final = """
SELECT wt.PROCESSLIST_ID AS waiter, bt.PROCESSLIST_ID AS blocker,
    concat(w.OBJECT_SCHEMA, '.', w.OBJECT_NAME) AS relation, w.LOCK_TYPE AS mode
FROM performance_schema.metadata_locks w
JOIN performance_schema.metadata_locks b
    ON b.OBJECT_TYPE = w.OBJECT_TYPE AND b.OBJECT_SCHEMA = w.OBJECT_SCHEMA AND b.OBJECT_NAME = w.OBJECT_NAME
    AND b.LOCK_STATUS = 'GRANTED' AND b.OWNER_THREAD_ID <> w.OWNER_THREAD_ID
JOIN performance_schema.threads wt ON wt.THREAD_ID = w.OWNER_THREAD_ID
JOIN performance_schema.threads bt ON bt.THREAD_ID = b.OWNER_THREAD_ID
WHERE w.LOCK_STATUS = 'PENDING' AND w.OBJECT_TYPE = 'TABLE'
LIMIT 2000
"""

# What a session did last, also if it does nothing now; empty where the consumer events_statements_current is off.
LAST_STATEMENTS: Final = """
SELECT t.PROCESSLIST_ID AS pid, s.SQL_TEXT AS statement
FROM performance_schema.threads t JOIN performance_schema.events_statements_current s USING (THREAD_ID)
WHERE t.PROCESSLIST_ID IN %(pids)s
"""

VARIABLES: Final = "SHOW GLOBAL VARIABLES WHERE Variable_name IN %(names)s"
STATUS: Final = "SHOW GLOBAL STATUS WHERE Variable_name IN %(names)s"
NOW: Final = "SELECT UTC_TIMESTAMP(6) AS at"

HOLDERS: Final = """
SELECT USER AS user, substring_index(HOST, ':', 1) AS client, count(*) AS used,
    CAST(sum(COMMAND = 'Sleep') AS UNSIGNED) AS idle
FROM information_schema.PROCESSLIST WHERE USER NOT IN ('system user', 'event_scheduler')
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 200
"""

AGES: Final = """
SELECT USER AS user, TIME AS state_age_s FROM information_schema.PROCESSLIST
WHERE USER NOT IN ('system user', 'event_scheduler') AND ID <> CONNECTION_ID() AND TIME IS NOT NULL LIMIT 10000
"""

DIGESTS: Final = """
SELECT SCHEMA_NAME AS `schema`, DIGEST AS digest, DIGEST_TEXT AS statement, COUNT_STAR AS calls,
    SUM_TIMER_WAIT / 1e9 AS total_ms, SUM_ROWS_EXAMINED AS rows_examined, SUM_NO_INDEX_USED AS without_index,
    SUM_CREATED_TMP_DISK_TABLES AS disk_tables,
    instr(DIGEST_TEXT, 'performance_schema') + instr(DIGEST_TEXT, 'information_schema') > 0 AS of_onlooker
FROM performance_schema.events_statements_summary_by_digest
WHERE DIGEST IS NOT NULL ORDER BY SUM_TIMER_WAIT DESC LIMIT 1000
"""

INNODB_METRICS: Final = """
SELECT NAME AS name, COUNT AS count FROM information_schema.INNODB_METRICS
WHERE NAME IN ('lock_deadlocks', 'trx_rseg_history_len')
"""

INNODB_STATUS: Final = "SHOW ENGINE INNODB STATUS"
REPLICAS_MARIADB: Final = "SHOW ALL SLAVES STATUS"
REPLICAS_MYSQL: Final = "SHOW REPLICA STATUS"
REPLICAS_MYSQL_BEFORE_8_0_22: Final = "SHOW SLAVE STATUS"

FOLLOWERS: Final = """
SELECT count(*) AS followers FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Binlog Dump', 'Binlog Dump GTID')
"""

SIZE_MARIADB: Final = "SELECT coalesce(sum(FILE_SIZE), 0) AS bytes FROM information_schema.INNODB_SYS_TABLESPACES"
SIZE_MYSQL: Final = "SELECT coalesce(sum(FILE_SIZE), 0) AS bytes FROM information_schema.INNODB_TABLESPACES"
