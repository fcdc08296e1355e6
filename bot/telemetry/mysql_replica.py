"""One line of `SHOW REPLICA STATUS`, whose words differ by engine and version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.telemetry.mysql_rows import ReplicaChannel

ERRORS = {
    1032: "the row to be changed is not there",
    1045: "the source refuses the user",
    1049: "the database is not there",
    1062: "the row is already there",
    1146: "the table is not there",
    1236: "the source no longer has the log that is needed",
    1593: "a fatal error",
    2003: "the source cannot be reached",
}
"""The server's own words quote the rows that it failed at, with quotes in quotes, so they are not repeated."""


def channel(row: Mapping[str, Any]) -> ReplicaChannel:
    """Source or master, replica or slave: the same."""
    said = {
        name.casefold().replace("master", "source").replace("slave", "replica"): value for name, value in row.items()
    }
    return ReplicaChannel(
        name=said.get("connection_name") or said.get("channel_name") or said.get("source_host"),
        receiving=said.get("replica_io_running") == "Yes",
        applying=said.get("replica_sql_running") == "Yes",
        behind_s=said.get("seconds_behind_source"),
        meant_s=float(said.get("sql_delay") or 0),
        error=_error(int(said.get("last_sql_errno") or 0) or int(said.get("last_io_errno") or 0)),
    )


def _error(number: int) -> str:
    return f"error {number} ({ERRORS.get(number, 'see SHOW REPLICA STATUS')})" if number else ""
