"""How far the copies of a PostgreSQL are behind, seen from both ends, and what unread slots keep on disk."""

from __future__ import annotations

from bot.agents.database.subject import Subject, bytes_of, grown
from bot.agents.database.thresholds import GIBIBYTE
from bot.agents.wording import lasted
from bot.models import Evidence, Finding
from bot.plural import many
from bot.telemetry.postgres_rows import Replication, Slot, Standby

REPLICATION_QUERY = (
    "SELECT application_name, state, replay_lag, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) "
    "FROM pg_stat_replication;"
)
STANDBY_QUERY = (
    "SELECT pg_is_wal_replay_paused(), now() - pg_last_xact_replay_timestamp(), * FROM pg_stat_wal_receiver;"
)
SLOTS_QUERY = "SELECT slot_name, active, wal_status, restart_lsn FROM pg_replication_slots;"


def replication(subject: Subject, seen: Replication) -> Finding:
    """How far copies are behind, beyond what they are told to be, and what forgotten slots hold back."""
    lag = max([0.0, seen.behind_s - seen.meant_s, *(standby.lag_s for standby in seen.standbys)])
    behind_bytes = max([standby.lag_bytes or 0.0 for standby in seen.standbys], default=0.0)
    unread = [slot for slot in seen.slots if not slot.active]
    retained = max([slot.retained_bytes or 0.0 for slot in unread], default=0.0)
    lost = [slot for slot in seen.slots if slot.wal_status in {"unreserved", "lost"}]
    broken = seen.paused or not seen.receiving or any(one.state not in {"streaming", None} for one in seen.standbys)
    score = max(
        grown(lag - 5, 60),
        0.7 * grown(behind_bytes / GIBIBYTE - 0.1, 2),
        0.6 * grown(retained / GIBIBYTE - 1, 20),
        0.8 if lost else 0.0,
        0.5 if seen.paused or not seen.receiving else 0.0,
    )
    return subject.finding(
        "replication_lag",
        "replication_lag_s",
        _title(subject, seen, lag, behind_bytes, retained),
        score,
        evidence=tuple(_evidence(subject, seen, unread or lost)),
        facts={
            "replication_lag_s": round(lag, 3),
            "replication_lag_bytes": behind_bytes,
            "replication_broken": broken,
            "retained_bytes": retained,
            "is_standby": seen.standby,
        },
    )


def _title(subject: Subject, seen: Replication, lag: float, behind_bytes: float, retained: float) -> str:
    if seen.standby:
        state = "it is paused" if seen.paused else "it has lost its source" if not seen.receiving else "it follows"
        said = f"{subject.database} is a standby, {lasted(lag)} behind; {state}"
        said += f" (told to stay {lasted(seen.meant_s)} behind)" if seen.meant_s else ""
    else:
        standbys = many(len(seen.standbys), "standby server") if seen.standbys else "no standby server"
        said = f"{subject.database} is a primary with {standbys}"
        said += f", the furthest {lasted(lag)} and {bytes_of(behind_bytes)} behind" if seen.standbys else ""
    return said + (f"; unread slots keep {bytes_of(retained)} of log on disk" if retained else "")


def _evidence(subject: Subject, seen: Replication, slots: list[Slot]) -> list[Evidence]:
    if seen.standby:
        words = (
            f"{subject.database} last replayed a change of {lasted(seen.behind_s)} ago that was not the last it has"
            if seen.behind_s
            else f"{subject.database} has replayed all that it has received"
        )
        words += ", replay is paused" if seen.paused else ""
        words += "" if seen.receiving else ", and no connection to its source is open"
        facts = [
            subject.evidence("replication", f"{words}.", STANDBY_QUERY, value=seen.behind_s, baseline=seen.meant_s,
                             unit="s")
        ]  # fmt: skip
    else:
        words = "; ".join(map(_told, seen.standbys[:4])) or "none is connected"
        value = max([standby.lag_bytes or 0.0 for standby in seen.standbys], default=0.0)
        said = f"Standbys of {subject.database}: {words}."
        facts = [subject.evidence("replication", said, REPLICATION_QUERY, value=value, baseline=0, unit="bytes")]
    if slots:
        said = "; ".join(
            f"{slot.name} ({slot.type}, {slot.wal_status or 'no log'}) keeps {bytes_of(slot.retained_bytes or 0)}"
            for slot in slots[:4]
        )
        value = max(slot.retained_bytes or 0.0 for slot in slots)
        facts.append(
            subject.evidence("replication", f"Unread slots: {said}.", SLOTS_QUERY, 2, value=value, baseline=0,
                             unit="bytes")
        )  # fmt: skip
    return facts


def _told(standby: Standby) -> str:
    behind = "" if standby.lag_bytes is None else f", {bytes_of(standby.lag_bytes)} behind"
    return (
        f"{standby.name or 'unnamed'} ({standby.client or 'local'}) is {standby.state}, {lasted(standby.lag_s)}{behind}"
    )
