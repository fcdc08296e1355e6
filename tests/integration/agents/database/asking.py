"""What the tests of the database agent share: a catalogue, an assignment, and one finding out of a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.agents.database import Observed, database_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog, Database, Service
from bot.models import Alert, AlertStatus, Finding, Report, Window

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
CATALOG = Catalog(
    services={
        "checkout": Service(depends_on=("payments-api",)),
        "payments-api": Service(databases=("payments",)),
        "static": Service(),
    },
    databases={"payments": Database(dsn_env="PAYMENTS_DSN"), "ledger": Database(dsn_env="LEDGER_DSN")},
)


def scope(service: str | None = "checkout", deadline_s: float = 10, catalog: Catalog = CATALOG) -> Scope:
    """An assignment about a service."""
    alert = Alert(
        source="alertmanager", fingerprint="f", name="PaymentErrors", status=AlertStatus.FIRING, starts_at=NOW
    )
    return Scope(
        incident_id="i",
        alert=alert,
        service=service,
        catalog=catalog,
        window=Window(start=NOW - timedelta(minutes=15), end=NOW),
        baseline=Window(start=NOW - timedelta(minutes=75), end=NOW - timedelta(minutes=15)),
        deadline_s=deadline_s,
    )


async def no_pause(_: float) -> None:
    """Instead of waiting between two readings."""


def tools_for(databases: Mapping[str, Observed]) -> Toolbox:
    """The agent's tools for these databases."""
    return Toolbox(database_tools(databases))


def only(report: Report, kind: str) -> Finding:
    """The one finding of that kind."""
    (found,) = [finding for finding in report.findings if finding.kind == kind]
    return found


def suspicious(report: Report) -> list[str]:
    """The kinds of what is not normal, the strongest first."""
    return [finding.kind for finding in report.findings if finding.score >= 0.15]
