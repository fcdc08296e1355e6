"""Who notices when one service is acted on: itself, and every service that stands on it."""

from __future__ import annotations

from bot.catalog import Catalog
from bot.remediation.action import BlastRadius

MOST_NAMED = 8


def reach(catalog: Catalog, service: str | None, statement: str, *, unnamed: str) -> BlastRadius:
    """The service and what stands on it.

    Args:
        statement: what happens to it, one sentence without its full stop.
        unnamed: the whole statement where no service is named.
    """
    if service is None:
        return BlastRadius(statement=unnamed, reach="unknown")
    above = catalog.dependants(service)
    others = f"; {', '.join(above[:MOST_NAMED])} stand on it" if above else ""
    return BlastRadius(statement=f"{statement}{others}.", services=(service, *above), reach="service")
