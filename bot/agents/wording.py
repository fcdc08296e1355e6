"""Figures and moments as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from bot.agents.change import Change

CLOSE = 1.5
"""Variations from its middle within which a figure is called normal without further words."""
SHORTLY_S = 120.0
"""Up to which a time is told in seconds."""
SPELLED: Mapping[str, str] = {
    **{word: word.upper() for word in (
        "api", "cpu", "db", "dns", "gc", "gpu", "http", "https", "id", "io", "ip", "jvm", "oom", "os", "ram", "rpc",
        "rss", "rtt", "sql", "ssl", "tcp", "tls", "udp", "url", "vm", "wal",
    )},
    "grpc": "gRPC", "mysql": "MySQL", "postgres": "Postgres", "redis": "Redis", "kafka": "Kafka",
}  # fmt: skip
"""Words of metric names → as people write them."""
_WORD = re.compile(r"[a-z]+")


def figure(value: float, unit: str) -> str:
    """A value with its unit: 0.96 ratio → '96 %', 0.04 s → '40 ms', 1.5e9 bytes → '1.5 GB'."""
    if unit == "ratio":
        return f"{_short(value * 100)} %"
    if unit == "s":
        return _seconds(value)
    if unit == "bytes":
        return _bytes(value)
    if unit == "/s":
        return f"{_short(value)}/s"
    if unit == "percent":
        return f"{_short(value)} %"
    return _short(value) if unit in {"count", ""} else f"{_short(value)} {unit}"


def spelled(words: str) -> str:
    """'cpu usage of grpc' → 'CPU usage of gRPC'."""
    return _WORD.sub(lambda found: SPELLED.get(found[0], found[0]), words)


def begun(text: str) -> str:
    """With a capital at the front, unless the first word has one of its own: 'gRPC calls' stays."""
    return text if not text.partition(" ")[0].islower() else text[0].upper() + text[1:]


def clock(moment: datetime) -> str:
    """'03:12 UTC'."""
    return f"{moment:%H:%M} UTC"


def duration(seconds: float) -> str:
    """'40 min', '3.2 h', '12 days'."""
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{round(seconds / 3600, 1):g} h" if seconds < 2 * 86_400 else f"{seconds / 86_400:.0f} days"


def lasted(seconds: float) -> str:
    """How long something has gone on: '0.4 s', '45 s', '12 min', '3.2 h'."""
    if seconds >= SHORTLY_S:
        return duration(seconds)
    return f"{round(max(0.0, seconds), 1):g} s" if seconds < 10 else f"{seconds:.0f} s"  # clocks may differ a little


def sentence(noun: str, service: str, change: Change, unit: str) -> str:
    """'payment failures rose from 0 % to 96 % at 03:12 UTC (scan-to-pay)'."""
    if change.onset is None:
        looked = "looked, and normal" if abs(change.deviations) <= CLOSE else "looked, and within its usual swing"
        return f"{noun}: {looked} – {compared(change.level, change.baseline, unit)} ({service})"
    over = f", back to normal at {clock(change.ended)}" if change.ended else ""
    return f"{moved(noun, change.baseline, change.level, unit)} at {clock(change.onset)}{over} ({service})"


def moved(noun: str, before: float, now: float, unit: str) -> str:
    """'payment failures rose from 0 % to 96 %'."""
    return f"{noun} {'rose' if now >= before else 'fell'} from {figure(before, unit)} to {figure(now, unit)}"


def compared(now: float, before: float, unit: str) -> str:
    """'41 ms now, 40 ms before', or '0 %, as before'."""
    level, usual = figure(now, unit), figure(before, unit)
    return f"{level}, as before" if level == usual else f"{level} now, {usual} before"


def _seconds(value: float) -> str:
    """Unlike `duration` with the digits of any figure: two that differ must not read the same."""
    if 0 < abs(value) < 1:
        return f"{_short(value * 1000)} ms"
    for upto, unit_s, unit in ((SHORTLY_S, 1, "s"), (5400, 60, "min"), (2 * 86_400, 3600, "h")):
        if abs(value) < upto:
            return f"{_short(value / unit_s)} {unit}"
    return f"{_short(value / 86_400)} days"


def _short(value: float) -> str:
    """Three significant figures at most, none after the point from a hundred on."""
    if value == 0 or abs(value) < 0.0005:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{2 if abs(value) < 10 else 1}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{_short(value)} {unit}"
        value /= 1000
    return f"{_short(value)} TB"
