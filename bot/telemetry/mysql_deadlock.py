"""The latest deadlock out of the text that InnoDB writes about itself; the rows that it dumps are not taken along."""

from __future__ import annotations

import re

from bot.telemetry.mysql_rows import Deadlock

_SCANNED = 40_000
_SECTION = re.compile(r"^LATEST DETECTED DEADLOCK\n-+\n(.*?)^-{12,}\n", re.DOTALL | re.MULTILINE)
_AT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_STATEMENT = re.compile(
    r"^(?:MySQL|MariaDB) thread id \d+.*?\n(.*?)(?=^\*\*\* |^(?:TABLE|RECORD) LOCK)", re.DOTALL | re.MULTILINE
)
_TABLE = re.compile(r"of table (`[^`\n]+`\.`[^`\n]+`)")
_VICTIM = re.compile(r"^\*\*\* WE ROLL BACK TRANSACTION \((\d+)\)", re.MULTILINE)


def latest_deadlock(status: str) -> Deadlock | None:
    """What `SHOW ENGINE INNODB STATUS` tells of it; None where there was none since the server started."""
    start = status.find("LATEST DETECTED DEADLOCK\n")
    found = _SECTION.match(status[start : start + _SCANNED]) if start >= 0 else None
    if found is None:
        return None
    text = found.group(1)
    at, victim = _AT.search(text), _VICTIM.search(text)
    tables = dict.fromkeys(name.replace("`", "") for name in _TABLE.findall(text))
    return Deadlock(
        at=at.group(1) if at else "an unknown time",
        statements=tuple(statement for statement in _STATEMENT.findall(text) if statement.strip())[:4],
        tables=tuple(tables)[:4],
        victim=victim.group(1) if victim else "",
    )
