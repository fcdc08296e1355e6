"""Which certificates of the services run out; they are recognised by a label that names the service."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.agents.exporters import EXPIRIES
from bot.agents.scope import Scope
from bot.agents.survey import Survey, Surveyed
from bot.agents.wording import begun, duration
from bot.errors import SourceUnavailable
from bot.models import Evidence, Finding, Gap
from bot.telemetry.series import Series

CERTIFICATE_S = 14 * 86_400.0
"""A certificate that runs out within two weeks should have been renewed by now."""
CERTIFICATE_SCORE = 0.6
MOST_READ = 50
"""Certificates of one exporter that are looked at, the soonest first."""


async def ending_certificates(
    survey: Survey, services: Sequence[str], within_s: float
) -> tuple[list[Finding], tuple[Gap, ...]]:
    """Those of these services that run out within two weeks, the soonest first."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(within_s):
            for metric, by in EXPIRIES:
                query = f"bottomk({MOST_READ}, min by ({', '.join(by)}) (({metric} > 0) - time()))"
                answer = await survey.discovery.now(query)
                found += ending(answer.series, services, survey, query, metric)
    except (TimeoutError, SourceUnavailable) as error:
        survey.note(f"certificates: {error or 'no answer in time'}")
    return sorted(found, key=lambda finding: -finding.score), tuple(survey.gaps)


def told(
    said: str,
    service: str,
    indicator: str,
    score: float,
    scope: Scope,
    query: str,
    url: str | None,
    facts: Mapping[str, Any],
) -> Finding:
    """A finding about a resource, with its one fact."""
    name = hashlib.sha256(f"{query}|{said}".encode()).hexdigest()[:8]
    fact = Evidence(id=f"capacity-{name}", statement=said, query=query, url=url, observed_at=scope.window.end)
    return Finding(
        agent="metrics",
        title=begun(said),
        service=service,
        indicator=indicator,
        kind="saturation",
        score=round(score, 4),
        evidence=(fact,),
        facts=facts,
    )


def ending(
    listed: Sequence[Series], services: Sequence[str], survey: Surveyed, query: str, metric: str
) -> list[Finding]:
    """Those of the listed, in seconds that are left, that are of these services and run out within two weeks."""
    found = []
    for series in listed:
        left_s = series.last
        named = " ".join(series.labels.values())
        owner = next((one for one in services if _is_named(one, named, survey.scope)), None)
        if owner is None or left_s is None or left_s >= CERTIFICATE_S:
            continue
        ends = f"runs out in {duration(left_s)}" if left_s > 0 else f"ran out {duration(-left_s)} ago"
        said = f"the certificate of {named} {ends} ({owner})"
        score = CERTIFICATE_SCORE * min(1.0, 1 - left_s / CERTIFICATE_S)
        url = survey.graph_url(query)
        found.append(told(said, owner, metric, score, survey.scope, query, url, {"certificate_ends_in_s": left_s}))
    return found


def _is_named(service: str, text: str, scope: Scope) -> bool:
    """Whether the text has the service's name or an alias as a word of its own."""
    entry = scope.catalog.services.get(service)
    names = (service, *(entry.aliases if entry else ()))
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for name in names)
