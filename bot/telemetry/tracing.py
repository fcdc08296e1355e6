"""What clients of trace servers share: which services are asked for, traces from all over a window, what names what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import zip_longest

from bot.models import Window
from bot.telemetry.spans import Span

SLICES = 6
FAILED_SHARE = 0.3
"""The part of the traces that is kept for those with a failed span, if there are so many."""
INSTANCE = ("k8s.pod.name", "service.instance.id", "host.name", "hostname", "ip")
"""Attributes that name what did the work, the best first."""
PEER = ("peer.service", "server.address", "net.peer.name", "db.system", "messaging.system")
"""Attributes of a client's span that name whom it called."""
LONGEST = 200
"""Characters of a name that are kept."""


def chosen(known: Sequence[str], services: Collection[str] | None) -> list[str]:
    """Those of the known names that are asked for, in any case; all where none is named."""
    if services is None:
        return list(known)
    wanted = {service.casefold() for service in services}
    return [service for service in known if service.casefold() in wanted]


def turns(found: Sequence[Sequence[str]], most: int) -> list[str]:
    """The first of each list, then the second of each, …: each id once, at most so many."""
    ordered = (identity for turn in zip_longest(*found) for identity in turn if identity is not None)
    return list(dict.fromkeys(ordered))[:most]


def started_in(window: Window, spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans that start in the window."""
    start, end = window.start.timestamp(), window.end.timestamp()
    return tuple(span for span in spans if start <= span.start_s < end)


def first_of(found: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The first of these attributes that says something."""
    return next((found[name][:LONGEST] for name in names if found.get(name)), None)
