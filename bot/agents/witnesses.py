"""What a service wrote when its database first refused it: the best witness of since when connections have run out.

A server that is full answers no question about itself. That the service was refused at some moment says that the
connections had run out by then, and nothing of how long before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.catalog import Catalog
from bot.models import Finding

EXHAUSTED = "connection_exhaustion"
_REFUSED = re.compile(
    r"too many (?:clients|connections)|remaining connection slots|max number of clients reached", re.IGNORECASE
)
"""What PostgreSQL, MySQL and Redis answer, as drivers pass it on."""


def dated(findings: Sequence[Finding], catalog: Catalog) -> list[Finding]:
    """The findings; connections that have run out had done so when a service that stands on them was refused first."""
    return [_dated(one, findings, catalog) if one.kind == EXHAUSTED else one for one in findings]


def _dated(full: Finding, findings: Sequence[Finding], catalog: Catalog) -> Finding:
    services = catalog.dependants(full.service or "")
    refused = [one.started_at for one in findings if one.service in services and _tells_a_refusal(one)]
    known: list[datetime] = [moment for moment in (full.started_by, *refused) if moment]
    return full.model_copy(update={"started_by": min(known)}) if known and full.score else full


def _tells_a_refusal(finding: Finding) -> bool:
    said = (finding.title, *(fact.statement for fact in finding.evidence))
    return finding.agent == "logs" and finding.score > 0 and any(_REFUSED.search(words) for words in said)
