"""Instants as senders write them: ISO 8601, seconds since 1970 and parts of them, and the ways of mail, C, Go and logs.

What cannot be read for certain is no instant, such as a day and a month that could be exchanged.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

FIRST_YEAR, LAST_YEAR = 1971, 5000
"""An instant outside says 'never' or 'for ever'."""
LONGEST = 64
"""Characters of an instant."""
FORMS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%b %d, %Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%a %B %d %Y %H:%M:%S",
)
"""Without their zones. Where the month is a number and the year is last, only the American clock tells which it is."""
ZONES = {"Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
         "PST": -8, "PDT": -7, "CET": 1, "CEST": 2}  # fmt: skip
"""Hours east of UTC: those of RFC 2822, and Central Europe's."""

_EARLIEST_S = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()
_LATEST_S = datetime(LAST_YEAR, 1, 1, tzinfo=UTC).timestamp()
_NUMBER = re.compile(r"[0-9]{9,19}(?:\.[0-9]{1,9})?")
_OFFSET = re.compile(r"\s*([+-])(\d\d):?(\d\d)(?:\s+[A-Z]{1,5})?$")
_ZONE = re.compile(rf"\s*\b({'|'.join(ZONES)})\b(?=$|\s+\d{{4}}$)")


def as_moment(value: object) -> datetime | None:
    """An instant from text or from seconds, milliseconds, … since 1970; None where it cannot be read.

    The zero time with which Go programs say 'never' (0001-01-01T00:00:00Z) is None too. Text without a zone is UTC.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(value)
    return None


def _from_text(text: str) -> datetime | None:
    if not text or len(text) > LONGEST or not text.isascii():
        return None
    if _NUMBER.fullmatch(text):
        return _from_epoch(float(text) if "." in text else int(text))
    moment = _iso(text) or _written(text)
    return moment if moment and FIRST_YEAR <= moment.year < LAST_YEAR else None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _written(text: str) -> datetime | None:
    """Any other form: the zone is taken off and put on again, since what `strptime` knows of zones is its machine's."""
    zone = _OFFSET.search(text) or _ZONE.search(text)
    rest = " ".join(f"{text[: zone.start()]}{text[zone.end() :]}".split()) if zone else " ".join(text.split())
    moment = _iso(rest) or next((found for form in FORMS if (found := _formed(rest, form))), None)
    if moment is None or zone is None or moment.tzinfo:
        return moment
    return moment.replace(tzinfo=timezone(_east(zone)))


def _east(zone: re.Match[str]) -> timedelta:
    if zone.re is _ZONE:
        return timedelta(hours=ZONES[zone[1]])
    offset = timedelta(hours=int(zone[2]) % 24, minutes=int(zone[3]) % 60)
    return -offset if zone[1] == "-" else offset


def _formed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is put on afterwards
    except ValueError:
        return None


def _from_epoch(number: float) -> datetime | None:
    for per_second in (1.0, 1e3, 1e6, 1e9):
        if _EARLIEST_S * per_second <= number < _LATEST_S * per_second:
            return datetime.fromtimestamp(number / per_second, UTC)
    return None
