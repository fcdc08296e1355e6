"""One log line, whatever its format: JSON, logfmt, or plain text with a time in front."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from bot.characters import loads

Level = Literal["debug", "info", "warning", "error", "unknown"]

TIME_FIELDS = ("time", "ts", "@timestamp", "timestamp", "t", "datetime")
LEVEL_FIELDS = ("level", "severity", "lvl", "log.level", "levelname", "severityText", "severity_text", "loglevel",
                "detected_level")  # fmt: skip
MESSAGE_FIELDS = ("message", "msg", "event", "log", "body", "text", "MESSAGE")
SERVICE_FIELDS = ("service", "service.name", "service_name", "app", "application", "component")
STACK_FIELDS = ("exception", "exc_info", "stack_trace", "stacktrace", "stack", "traceback", "error.stack_trace")
TRACE_FIELDS = ("trace_id", "traceID", "traceId", "trace.id", "trace", "traceparent", "dd.trace_id", "otelTraceID")
REQUEST_FIELDS = (
    "request_id",
    "requestId",
    "req_id",
    "http.req.id",
    "http.request.id",
    "x-request-id",
    "correlation_id",
)
THREAD_FIELDS = ("thread", "thread_name", "threadName", "process.thread.name")
THREAD = "thread:"
"""Begins the trace of lines that name only their thread, whose line of requests has no beginning and no end."""
LONGEST_TRACE = 64

MAX_MESSAGE = 4000
"""Characters of a message that are kept."""

_WORDS: Mapping[Level, str] = {
    "debug": "trace debug fine finer verbose d 7 10",
    "info": "info information informational notice i n 6 5 20",
    "warning": "warn warning w 4 30",
    "error": "error err severe e critical crit fatal f alert emerg emergency panic 3 2 1 0 40 50",
}
"""Words of common loggers; the figures are syslog's, and from 10 on those of Python and Bunyan."""
LEVELS: Mapping[str, Level] = {word: level for level, words in _WORDS.items() for word in words.split()}

_LEADING_TIME = re.compile(
    r"\[?(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?)\]?[ \t]*"
    r"|(?P<slash>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})?)[ \t]*"
    r"|(?P<syslog>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)[ \t]"
)
_CLF_TIME = re.compile(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_PLAIN_LEVEL = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|FATAL|PANIC)\b")
_LOGFMT = re.compile(r'([A-Za-z_@.][\w@.]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_LOGFMT_START = re.compile(r"(?:time|ts|level|lvl|msg|t)=")
_TRACE = re.compile(
    rb"""(?i)\b(?:(?:dd\.|otel)?trace(?:[_.-]?id|parent)\b[\\"']*|trace\\?")\s*[=:]\s*(?:\{\s*"id"\s*:\s*)?[\\"']*"""
    rb"""(?:[0-9a-f]{2}-)?(?P<trace>(?=[a-f-]*[0-9])[0-9a-f-]{1,36}?)(?=-[0-9a-f]{16}-|[^0-9a-z_-]|$)"""
)
LONGEST_PREFIX = len("otelT")
"""What may stand before the 'race' of a trace's name: looking for that is cheap, the pattern is not."""
_SERVICE = re.compile(rb"""(?:service(?:[._]name)?|app|application)["\\]*\s*[:=]\s*["\\]*([\w./-]{1,80})""")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event; continuation lines such as a stack trace belong to its message."""

    at: float | None
    """Unix seconds; None where the line carries no time."""
    message: str
    level: Level = "unknown"
    service: str | None = None
    weight: float = 1.0
    """How many lines of the source it stands for, where the source was sampled."""
    trace: str | None = None
    """What the lines of one request share: its trace id, else a request id, else `thread:` and the thread's name."""


def parse_line(text: str, *, service: str | None = None, now: datetime | None = None) -> LogLine:
    """Read one line. `service` fills in where the line names none; `now` gives syslog times their year."""
    if text.startswith("{"):
        try:
            record = loads(text)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            return read_record(record, service=service)
    if _LOGFMT_START.match(text):
        pairs: dict[str, Any] = {name: _unquote(value) for name, value in _LOGFMT.findall(text)}
        if _first(pairs, MESSAGE_FIELDS) is not None:
            return read_record(pairs, service=service)
    return _plain(text, service, now)


def read_record(record: Mapping[str, Any], *, service: str | None = None) -> LogLine:
    """A structured line, under the field names that loggers use."""
    message = _first(record, MESSAGE_FIELDS)
    if isinstance(message, str) and message.startswith("{") and "log" in record:
        inner = parse_line(message.strip(), service=service)  # docker wraps the program's own line
        at = inner.at or as_seconds(_first(record, TIME_FIELDS))
        return LogLine(at, inner.message, inner.level, inner.service or service, trace=inner.trace)
    named = _first(record, SERVICE_FIELDS)
    stack = _first(record, STACK_FIELDS)
    text = _as_text(message) if message is not None else _as_text(record)
    if stack and isinstance(stack, str | Mapping):
        text = f"{text}\n{_as_text(stack)}"
    level = as_level(_first(record, LEVEL_FIELDS))
    if level == "unknown" and stack:
        level = "error"
    return LogLine(
        as_seconds(_first(record, TIME_FIELDS)),
        text.rstrip()[:MAX_MESSAGE],
        level,
        str(named)[:100] if isinstance(named, str) and named else service,
        trace=_trace_of_record(record),
    )


def read_fields(text: str, fields: Mapping[str, Any], *, at: float, service: str) -> LogLine:
    """A line as a log server keeps it: its text, and what is known beside it of level, trace and stack trace."""
    line = parse_line(text, service=service)
    stack = _first(fields, STACK_FIELDS)
    message = f"{line.message}\n{_as_text(stack)}"[:MAX_MESSAGE] if stack and "\n" not in line.message else line.message
    level = line.level if line.level != "unknown" else as_level(_first(fields, LEVEL_FIELDS))
    beside = _trace_of_record(fields)
    weak = line.trace is None or line.trace.startswith(THREAD)
    return LogLine(at, message, level, service, trace=(beside or line.trace) if weak else line.trace)


def service_of(raw: bytes) -> bytes | None:
    """What names the service in a raw line, as far as that is quickly seen."""
    start = raw.find(b"service")
    if start < 0 and (start := raw.find(b'"app')) < 0:
        return None
    found = _SERVICE.search(raw, start, MAX_MESSAGE)
    return found[1] if found else None


def trace_of(raw: bytes) -> str | None:
    """The trace id that a raw line carries, in JSON, logfmt, a W3C traceparent or plain words."""
    start = raw.find(b"race")
    if start < 0 and (start := raw.find(b"RACE")) < 0:
        return None
    found = _TRACE.search(raw, max(0, start - LONGEST_PREFIX), MAX_MESSAGE)
    return found["trace"].decode().lower() if found else None


def as_level(value: object) -> Level:
    """The level in one vocabulary; 'unknown' where the word is not known."""
    return LEVELS.get(str(value).lower(), "unknown") if value is not None else "unknown"


def as_seconds(value: object) -> float | None:
    """Unix seconds of an ISO-8601 text (no zone: UTC) or of a number of seconds, milli-, micro- or nanoseconds."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _seconds_of_number(float(value))
    text = str(value)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        try:
            return _seconds_of_number(float(text))
        except ValueError:
            return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _seconds_of_number(value: float) -> float | None:
    for limit, unit in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if 0 <= value < limit:
            return value / unit
    return None


def _plain(text: str, service: str | None, now: datetime | None) -> LogLine:
    found = _LEADING_TIME.match(text)
    at, message = _time_of(found, now), text[found.end() :] if found else text
    if at is None and (clf := _CLF_TIME.search(text, 0, 200)):
        at = datetime.strptime(clf[1], "%d/%b/%Y:%H:%M:%S %z").timestamp()
        message = text[: clf.start()] + text[clf.end() :]
    level = _PLAIN_LEVEL.search(message, 0, 80)
    named = trace_of(message.encode("utf-8", "replace")) if "race" in message else None
    return LogLine(at, message.rstrip()[:MAX_MESSAGE], as_level(level[1]) if level else "unknown", service, trace=named)


def _trace_of_record(record: Mapping[str, Any]) -> str | None:
    trace = _first(record, TRACE_FIELDS)
    if isinstance(trace, Mapping):
        trace = trace.get("id")
    if trace not in (None, "", 0, "0") and isinstance(trace, str | int):
        text = str(trace).lower()
        parent = _TRACEPARENT.fullmatch(text)
        return parent[1] if parent else text[:LONGEST_TRACE]
    if (request := _first(record, REQUEST_FIELDS)) and isinstance(request, str | int):
        return str(request)[:LONGEST_TRACE]
    thread = _first(record, THREAD_FIELDS)
    return f"{THREAD}{thread[:LONGEST_TRACE]}" if thread and isinstance(thread, str) else None


def _time_of(found: re.Match[str] | None, now: datetime | None) -> float | None:
    if found is None:
        return None
    if found["iso"]:
        return as_seconds(found["iso"].replace(" Z", "Z").replace(" +", "+").replace(" -", "-"))
    if found["slash"]:
        return as_seconds(found["slash"].replace("/", "-"))
    return _syslog_seconds(found["syslog"], now) if now else None


def _syslog_seconds(text: str, now: datetime) -> float | None:
    """Syslog leaves the year out: it is the latest one that does not lie ahead of now by more than a day."""
    for year in (now.year, now.year - 1):
        try:
            at = datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
        if at <= now.timestamp() + 86_400:
            return at
    return None


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if (value := record.get(name)) is not None:
            return value
    return None


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _unquote(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') and len(value) >= 2 else value
