"""A person's question as an alert, so that it goes the way of every alert."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bot.catalog import Catalog
from bot.memory.dates import Period
from bot.models import Alert, AlertStatus

LONGEST_NAME = 120
OVER_FOR = timedelta(minutes=30)
"""A time that ended so long ago is the past; what is looked into is now."""
_PAST = re.compile(
    r"\b(?:last time|previous(?:ly)?|earlier|ever|history of|used to|back then|in the past"
    r"|(?:who|what|when|where) (?:did|had|was said|were told)|did (?:we|you|they|any\w+|some\w+|\w+ say)"
    r"|have (?:we|you)|how did (?:we|you|they)|who (?:said|fixed|did|wrote|changed|deployed|knows|owns|decided)"
    r"|(?:said|say|know|remember|decided) about)\b"
    r"|上次|之前|以前|说过|谁|怎么(?:解决|修|处理)的|发生过",
    re.IGNORECASE,
)


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


def about_the_past(text: str, named: Period | None, now: datetime) -> bool:
    """Whether a question is about what was, not about what is: by its words, or by the time that it names."""
    if _PAST.search(text):
        return True
    return named is not None and named.until is not None and named.until <= now.astimezone(UTC) - OVER_FOR
