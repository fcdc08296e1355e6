"""The one place where what a sender said becomes an `Alert`: bounds, synonyms, and where to look for what is missing.

A field that the sender states wins; else the labels are asked, then the annotations. What nobody says stays empty.
Bounds are those of `bot.alerts.text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.alerts import labels as tags
from bot.alerts.severity import severity_of
from bot.alerts.text import NAME_CHARS, NOTE_CHARS, VALUE_CHARS, clean, identifier, one_line, web_address
from bot.models import Alert, AlertStatus, Severity


def normal(
    *,
    source: str,
    name: str,
    status: AlertStatus,
    severity: Severity | str | None = None,
    service: str | None = None,
    environment: str | None = None,
    summary: str | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str | None] | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    urls: Iterable[str | None] = (),
    runbook_url: str | None = None,
    fingerprint: str | None = None,
    group_key: str | None = None,
) -> Alert:
    """An alert in our vocabulary.

    Args:
        severity: decided by the format, or a word of the sender.
        annotations: those with no text are left out.
        urls: where the sender shows the alert, best first; the first that can be followed is taken.
        fingerprint: the sender's own; none: a hash of the name and the lasting labels.
    """
    said = labels or {}
    notes = {key: text for key, text in (annotations or {}).items() if text}
    return Alert(
        source=source,
        name=one_line(name, NAME_CHARS),
        status=status,
        severity=_severity(severity, said),
        service=_short(service or tags.first(said, tags.SERVICE)),
        environment=_short(environment or tags.first(said, tags.ENVIRONMENT)),
        summary=_line(summary or tags.first(notes, tags.SUMMARY)),
        labels=tags.bounded(said, VALUE_CHARS),
        annotations=tags.bounded(notes, NOTE_CHARS),
        starts_at=starts_at,
        ends_at=ends_at,
        url=_first_address(urls),
        runbook_url=_first_address((runbook_url, tags.first(notes, tags.RUNBOOK), tags.first(said, tags.RUNBOOK))),
        fingerprint=identifier(fingerprint) if fingerprint else tags.fingerprint(name, said),
        group_key=identifier(group_key) if group_key else None,
    )


def _severity(given: Severity | str | None, labels: Mapping[str, str]) -> Severity | None:
    if isinstance(given, Severity):
        return given
    return severity_of(given) or severity_of(tags.first(labels, tags.SEVERITY))


def _short(text: str | None) -> str | None:
    return clean(text.strip(), NAME_CHARS) or None if text else None


def _line(text: str | None) -> str | None:
    return one_line(text) or None if text else None


def _first_address(candidates: Iterable[str | None]) -> str | None:
    return next((address for candidate in candidates if (address := web_address(candidate))), None)
