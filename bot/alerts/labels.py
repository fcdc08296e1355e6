"""Labels: read from any of the shapes in which senders write them, and asked for what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.alerts.text import ENTRIES, NAME_CHARS, VALUE_CHARS, clean, digest, scalar

SERVICE = (
    "service",
    "service_name",
    "service.name",
    "app",
    "app_kubernetes_io_name",
    "app.kubernetes.io/name",
    "application",
    "job",
)
"""The labels that name the service, the most telling first; `job` is last, since it often names an exporter."""
ENVIRONMENT = (
    "environment",
    "env",
    "deployment_environment",
    "deployment.environment",
    "deployment.environment.name",
    "stage",
)
SEVERITY = ("severity", "priority", "level")
RUNBOOK = ("runbook_url", "runbookurl", "runbook", "runbook_link")
SUMMARY = ("summary", "title", "message", "description")
VOLATILE = frozenset(
    {"value", "values", "current_value", "status", "state", "alertstate", "startsat", "endsat"}
    | {"starts_at", "ends_at", "timestamp", "time", "updated_at", "duration"}
)
"""Labels that may differ between two notices of one alert, and so take no part in its fingerprint."""

_KEYS = ("key", "name", "tag", "label")


def from_object(value: object) -> dict[str, str]:
    """The labels in an object; null is none. A null value drops its label, a value that is no text becomes JSON.

    Raises:
        ValueError: any other shape.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError("an object with the labels is expected here")  # noqa: TRY004 - pydantic wants a ValueError
    return dict(_texts(value.items()))


def from_tags(value: object) -> dict[str, str]:
    """The labels in an object, in 'key:value,key=value', or in a list of such tags, of pairs, or of `{key, value}`.

    A tag without a value has the value ''; else as `from_object`.

    Raises:
        ValueError: any other shape.
    """
    if isinstance(value, str):
        value = [tag.strip() for tag in value.split(",") if tag.strip()]
    if isinstance(value, list):
        return dict(_texts(_pair(tag) for tag in value if tag is not None))
    return from_object(value)


def stated(**said: str | None) -> dict[str, str]:
    """Labels from a payload's own fields; those that are not given are left out."""
    return {key: text for key, text in said.items() if text}


def bounded(labels: Mapping[str, str], limit: int = VALUE_CHARS) -> dict[str, str]:
    """The first `ENTRIES` labels, every key and value in bounds."""
    kept = list(labels.items())[:ENTRIES]
    return {clean(key, NAME_CHARS): clean(text, limit) for key, text in kept}


def first(labels: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The value of the first of the names, in any case, that has one."""
    spoken = {key.casefold(): text.strip() for key, text in labels.items()}
    return next((spoken[name] for name in names if spoken.get(name)), None)


def fingerprint(name: str, labels: Mapping[str, str]) -> str:
    """The same for every notice of one alert, where its sender gives no fingerprint of its own."""
    return digest(name, *(part for pair in _lasting(labels) for part in pair))


def matcher(labels: Mapping[str, str]) -> str:
    """The lasting labels as one line, as a Prometheus selector writes them: the name of an alert that has no other."""
    pairs = ", ".join(f'{key}="{text}"' for key, text in _lasting(labels))
    return f"{{{pairs}}}"


def _lasting(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((key, text) for key, text in labels.items() if key.casefold() not in VOLATILE)


def _texts(entries: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    for key, content in entries:
        text = scalar(content)
        if key and text is not None:
            yield key, text


def _pair(entry: object) -> tuple[str, object]:
    if isinstance(entry, str):
        key, *text = re.split("[:=]", entry, maxsplit=1)
        return key.strip(), "".join(text).strip()
    if isinstance(entry, Mapping):
        key = next((entry[name] for name in _KEYS if isinstance(entry.get(name), str)), "")
        return str(key), entry.get("value")
    if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
        return entry[0], entry[1]
    raise ValueError("a tag is 'key:value', a pair, or an object with 'key' and 'value'")
