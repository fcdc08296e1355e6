"""Dates in words: 'since yesterday', 'last Tuesday 14:00–15:00', 'an hour ago', 昨天, 上周二下午.

Days and clock times are those of a time zone, so a day of 23 or 25 hours is read right; durations are absolute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.memory.datewords import (
    AGO,
    CLOCK_RANGE,
    CLOCK_TIME,
    DAY_PARTS,
    DIRECTIONS,
    JOINT,
    JUST_NOW,
    JUST_NOW_LASTS,
    MONTHS,
    NAMED_DAYS,
    NIGHTS,
    NOW,
    RECENT,
    SPANS,
    TIMESTAMP,
    UNITS,
    WEEKDAY,
    WEEKDAYS,
    WRITTEN_DATE,
    number,
)

LONGEST_READ = 1000
"""Characters; nobody says when after more than that, and patterns must not be made to work for long."""
LONGEST_AGO = timedelta(days=36_500)
YEARS = range(1970, 2200)
LONGEST_PHRASE = 40
Parts = Sequence[tuple[re.Pattern[str], tuple[time, time]]]
SOFT_AFTER = timedelta(days=2)
"""What happened on a date is often told in the days after it."""


@dataclass(frozen=True)
class Period:
    """A stretch of time that a question names."""

    since: datetime | None
    """In UTC, included."""
    until: datetime | None
    """In UTC, excluded."""
    rest: str
    """The question without the words that name the time."""
    strict: bool = True
    """Whether only that time is meant; a date on which something happened may also be told later."""

    def about(self, rest: str) -> Period:
        """The same time of another question."""
        return replace(self, rest=rest)


@dataclass(frozen=True)
class _Days:
    """Some whole days, the last excluded, and where the text names them."""

    first: date
    end: date
    found: re.Match[str]
    relative: bool = True


def read_period(text: str, *, now: datetime, zone: ZoneInfo) -> Period | None:
    """The time that a text names, if it names one. Only the beginning of a very long text is read."""
    said = TIMESTAMP.sub(_as_words, " ".join(text.split()))
    asked, more = said[:LONGEST_READ], said[LONGEST_READ:]
    here = now.astimezone(zone)
    period = _duration(asked, here) or _stretch(asked, here, zone) or _calendar(asked, here, zone)
    return replace(period, rest=period.rest + more) if period is not None else None


def _as_words(stamp: re.Match[str]) -> str:
    """A timestamp as people write it."""
    try:
        moment = datetime.fromisoformat(stamp[0])
    except ValueError:  # the 31st of February
        return stamp[0]
    return f"{moment:%Y-%m-%d %H:%M}" if stamp["zone"] is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _duration(text: str, now: datetime) -> Period | None:
    """'20 minutes ago' is the time around that moment, 'the last 20 minutes' all of it until now."""
    moment = now.astimezone(UTC)
    if (found := AGO.search(text)) and not _whole_days(found):
        length = _length(found)
        rest, direction = _without(text, found)
        if direction == "since":
            return Period(moment - length, None, rest)
        slack = min(length / 2, max(UNITS[_unit(found)] / 2, length / 4))
        return Period(moment - length - slack, moment - length + slack, rest)
    if found := RECENT.search(text):
        return Period(moment - _length(found), None, _without(text, found)[0])
    if found := JUST_NOW.search(text):
        return Period(moment - JUST_NOW_LASTS, None, _without(text, found)[0])
    return None


def _whole_days(found: re.Match[str]) -> bool:
    """'3 days ago' is that day, from its first hour to its last."""
    return UNITS[_unit(found)] == timedelta(days=1) and _count(found).is_integer()


def _length(found: re.Match[str]) -> timedelta:
    return min(_count(found), LONGEST_AGO / UNITS[_unit(found)]) * UNITS[_unit(found)]


def _count(found: re.Match[str]) -> float:
    return number((found["count"] or found["zh_count"] or "1").strip().casefold())


def _unit(found: re.Match[str]) -> str:
    unit = next(text for name, text in found.groupdict().items() if text and not name.endswith("count")).casefold()
    return unit if unit in UNITS else unit.removesuffix("s")


def _stretch(text: str, now: datetime, zone: ZoneInfo) -> Period | None:
    """'from Monday to Wednesday', 'yesterday 22:00 to today 09:00': two readings, the second one with a day."""
    for joint in JOINT.finditer(text):
        left, right = text[: joint.start()], text[joint.end() :]
        if (now_said := NOW.match(right)) and _ends_with_time(left, now):
            return _calendar(f"{left} {right[now_said.end() :]}", now, zone, "since")
        second = next((days for days in _days(right[:LONGEST_PHRASE], now) if days.found.start() == 0), None)
        if second is None or not _ends_with_time(left, now):
            continue
        begun = _calendar(left, now, zone, "since")
        ended = _calendar(right, now, zone, "before" if _clock(_without(right, second.found)[0]) else "")
        if begun is None or begun.since is None or ended is None:
            continue
        since, until = begun.since, ended.until if ended.strict else _at(second.end, time(), zone)
        if until is not None and since >= until:  # on a Tuesday, 'Monday to Wednesday' are those of last week
            since = (since.astimezone(zone) - timedelta(days=7)).astimezone(UTC)
        if until is not None and since < until:
            return Period(since, until, f"{begun.rest} {ended.rest}".strip())
    return None


def _ends_with_time(text: str, now: datetime) -> bool:
    text = text[-LONGEST_PHRASE:]
    if any(days.found.end() == len(text) for days in _days(text, now)):
        return True
    moments = (found for found in CLOCK_TIME.finditer(text) if found.end() == len(text))
    return next(moments, None) is not None


def _calendar(text: str, now: datetime, zone: ZoneInfo, direction: str = "") -> Period | None:
    days = next(_days(text, now), None)
    rest, direction = _without(text, days.found, direction) if days else (text, direction)
    clock = _clock(rest, DAY_PARTS if days else NIGHTS)
    if days is None and clock is None:
        return None
    if clock is not None and clock[2].groupdict().get("utc"):
        zone = ZoneInfo("UTC")
    first, end = (days.first, days.end) if days else (now.date(), now.date() + timedelta(days=1))
    start, stop = _at(first, time(), zone), _at(end, time(), zone)
    strict = days is None or days.relative
    if clock is not None:
        since, until, found = clock
        rest, direction = _without(rest, found, direction)
        start, stop = _hours(first, since, until, zone)
        if until is None and direction:
            start = stop = _at(first, since, zone)
        if days is None and start > now.astimezone(UTC):  # 'at 23:00', asked in the morning
            start, stop = start - timedelta(days=1), stop - timedelta(days=1)
        strict = True
    return _directed(Period(start, stop, rest, strict), direction)


def _directed(period: Period, direction: str) -> Period:
    if direction == "since":
        return replace(period, until=None, strict=True)
    if direction == "before":
        return replace(period, since=None, until=period.since, strict=True)
    if not period.strict and period.until is not None:
        return replace(period, until=period.until + SOFT_AFTER)
    return period


def _days(text: str, now: datetime) -> Iterator[_Days]:
    """The days that the text names, the surest reading first."""
    today = now.date()
    for figures in WRITTEN_DATE.finditer(text):
        if (written := _written(figures, today)) is not None:
            yield _Days(written, written + timedelta(days=1), figures, relative=False)
    if (ago := AGO.search(text)) and _whole_days(ago):
        day = today - timedelta(days=min(int(_count(ago)), LONGEST_AGO.days))
        yield _Days(day, day + timedelta(days=1), ago)
    for pattern, (first, end) in NAMED_DAYS:
        if found := pattern.search(text):
            yield _Days(today + timedelta(days=first), today + timedelta(days=end), found)
    for pattern, span in SPANS:
        if found := pattern.search(text):
            yield _Days(*_span(span, today), found)
    for name in WEEKDAY.finditer(text):
        day = _weekday(name, today)
        yield _Days(day, day + timedelta(days=1), name)


def _span(span: str, today: date) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    tomorrow = today + timedelta(days=1)
    return {
        "last week": (monday - timedelta(days=7), monday),
        "this week": (monday, tomorrow),
        "last month": (before, month),
        "this month": (month, tomorrow),
        "last weekend": (monday - timedelta(days=2), monday),
        "weekend": (monday + timedelta(days=5), tomorrow)
        if today.weekday() >= 5
        else (monday - timedelta(days=2), monday),
    }[span]


def _weekday(found: re.Match[str], today: date) -> date:
    """'Tuesday' is the latest one, today included; 'last Tuesday' is before today; 上周二 is in the week before."""
    wanted = WEEKDAYS[(found["day"] or found["zh_day"])[:3].casefold()]
    if found["zh_day"]:
        monday = today - timedelta(days=today.weekday())
        weeks = len(found["zh_which"] or "") if "上" in (found["zh_which"] or "") else 0
        day = monday + timedelta(days=wanted) - timedelta(days=7 * weeks)
        return day if day <= today else day - timedelta(days=7)
    back = (today.weekday() - wanted) % 7
    return today - timedelta(days=back or (7 if found["which"] else 0))


def _written(found: re.Match[str], today: date) -> date | None:
    """A date in figures or with the month's name; without a year the latest such day."""
    parts = {name.rstrip("_1234"): value for name, value in found.groupdict().items() if value}
    month = MONTHS.get(parts["month"][:3].casefold()) or int(parts["month"])
    try:
        if "year" in parts:
            year = int(parts["year"])
            return date(year, month, int(parts["day"])) if year in YEARS else None
        day = date(today.year, month, int(parts["day"]))
        return day if day <= today else day.replace(year=today.year - 1)
    except ValueError:  # 31 February
        return None


def _clock(text: str, parts: Parts = DAY_PARTS) -> tuple[time, time | None, re.Match[str]] | None:
    """Clock times: a range, a moment (no end), or a part of the day."""
    if found := CLOCK_RANGE.search(text):
        start = _time(found, "1", found["half_2"] or found["zh_half_1"] or found["zh_half_2"])
        stop = _time(found, "2", found["zh_half_2"] or found["zh_half_1"])
        if start and stop and stop < start and found["half_1"] and not found["half_2"]:  # '3pm-4'
            stop = _time(found, "2", found["half_1"])
        return (start, stop, found) if start is not None and stop is not None else None
    if found := CLOCK_TIME.search(text):
        moment = _time(found, "1", found["zh_half_1"])
        return (moment, None, found) if moment is not None else None
    for pattern, (since, until) in parts:
        if found := pattern.search(text):
            return since, until, found
    return None


def _time(found: re.Match[str], which: str, half: str | None) -> time | None:
    groups = found.groupdict()
    hour = groups.get(f"hour_{which}") or groups.get(f"zh_hour_{which}") or ""
    minute = groups.get(f"minute_{which}") or groups.get(f"zh_minute_{which}") or "0"
    hours = int(number(hour))
    spoken = (groups.get(f"half_{which}") or half or "").casefold()
    if spoken in {"pm", "p.m.", "下午", "晚", "晚上", "傍晚"} and hours < 12:
        hours += 12
    if spoken == "中午" and hours < 6:
        hours += 12
    if spoken in {"am", "a.m.", "凌晨"} and hours == 12:
        hours = 0
    minutes = {"半": 30, "一刻": 15, "三刻": 45}.get(minute) or int(number(minute))
    return time(hours, minutes) if hours < 24 and minutes < 60 else None


def _hours(day: date, since: time, until: time | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From one clock time to the other, over midnight if it is earlier; around a moment where there is one only."""
    start = _at(day, since, zone)
    if until is None:
        return start - timedelta(minutes=15), _at(day, since, zone, last=True) + timedelta(minutes=30)
    return start, _at(day if until > since else day + timedelta(days=1), until, zone, last=True)


def _at(day: date, clock: time, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The moment at which the clocks show that time: the first, or the last where the clocks go back and show it twice.

    A time that they skip lies an hour wide: whoever says it may mean either side.
    """
    moments = (datetime.combine(day, clock, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(moments) if last else min(moments)


def _without(text: str, found: re.Match[str], direction: str = "") -> tuple[str, str]:
    """The text without what was found and the word of direction beside it; and that direction."""
    before, after = text[: found.start()], text[found.end() :]
    for pattern_before, pattern_after, meaning in DIRECTIONS:
        if (beside := pattern_before.search(before)) is not None:
            before, direction = before[: beside.start()], meaning or direction
            break
        if pattern_after is not None and (beside := pattern_after.match(after)) is not None:
            after, direction = after[beside.end() :], meaning or direction
            break
    return f"{before} {after}".strip(), direction
