"""A person's question as an alert, so that it goes the way of every alert."""

from __future__ import annotations

import re
from datetime import datetime

from bot.catalog import Catalog
from bot.models import Alert, AlertStatus

LONGEST_NAME = 120


def question(text: str, fingerprint: str, now: datetime, *, service: str | None = None) -> Alert:
    """The alert; its name is what was asked."""
    return Alert(
        source="slack",
        name=" ".join(text.split())[:LONGEST_NAME] or "a question",
        status=AlertStatus.FIRING,
        service=service,
        summary=text or None,
        starts_at=now,
        fingerprint=fingerprint,
    )


def service_in(text: str, catalog: Catalog) -> str | None:
    """The service that the text names by its name or an alias; of several the longest name, then the first."""
    spoken = text.casefold()
    found: list[tuple[int, int, str]] = []
    for name, service in catalog.services.items():
        for word in (name, *service.aliases):
            match = re.search(rf"(?<![\w-]){re.escape(word.casefold())}(?![\w-])", spoken)
            if match:
                found.append((-len(word), match.start(), name))
    return min(found)[2] if found else None
