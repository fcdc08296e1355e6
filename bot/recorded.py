"""A recorded case as the world of a rehearsal: its alert, the agents on its telemetry, and what its notes tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bot.agents.changes import changes_tools
from bot.agents.commander import rank
from bot.agents.database import Observed, database_tools
from bot.agents.exported import exported_tools
from bot.agents.logs import logs_tools
from bot.agents.requests import request_tools
from bot.agents.scope import Scope
from bot.agents.tools import Tool, Toolbox
from bot.agents.traces import traces_tools
from bot.canvas import Step
from bot.catalog import Catalog, Database, Service
from bot.changes.recorded import CHANGES, RecordedChanges
from bot.diagnosis import scope_of
from bot.errors import BadInput
from bot.models import Finding, Gap
from bot.telemetry.mysql import MySql
from bot.telemetry.postgres import Postgres
from bot.telemetry.recorded import LOGS, METRICS, SPANS, Case, RecordedLogs, RecordedMetrics, RecordedSpans, open_case
from bot.telemetry.recorded_databases import DATABASES, recorded_databases
from bot.telemetry.redis_server import RedisServer
from bot.work.world import RANK, facts_of


class RecordedWorld:
    """Reads as a playbook's steps ask; implements `bot.canvas.rehearsal.Reader`.

    What the notes tell for a step or a tool comes first; then the recorded telemetry is asked, by the agents that ask
    the live one; the commander ranks what they found. Of what was not recorded nothing is known.
    """

    def __init__(self, case: Case, finds: Mapping[str, Any]) -> None:
        self._finds = finds
        scope = scope_of(case)
        databases = recorded_databases(case.folder) if case.holds(DATABASES) else {}
        self._everywhere = replace(scope, service=scope.catalog.resolve(scope.alert.service))
        self._at_home = _at_home(scope, databases)
        self._databases = tuple(databases)
        self._toolbox = Toolbox(_tools(case, databases))
        self._findings: list[Finding] = []
        self._gaps: list[Gap] = []
        self.unrecorded: list[str] = []
        """Tools that were asked for and have no recording."""

    @classmethod
    def open(cls, folder: Path, finds: Mapping[str, Any]) -> RecordedWorld:
        """The world of the case in the folder.

        Raises:
            BadInput: it is no recorded case.
        """
        return cls(open_case(folder), finds)

    def given(self, more: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the run is given: the alert, and the service with what the notes say of it."""
        alert = self._everywhere.alert
        first = self._databases[0] if self._databases else None
        service = {"name": alert.service, "database": first, "databases": [*self._databases], **more.get("service", {})}
        return {**more, "alert": alert.model_dump(mode="json"), "service": service}

    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        """The facts that the tool finds."""
        told = self._finds.get(step.node, self._finds.get(tool))
        if told is not None:
            if not isinstance(told, Mapping):
                raise BadInput(f"The facts of '{step.node}' ({tool}) are not a mapping.")
            return told
        if tool == RANK and (self._findings or self._gaps):
            return facts_of(rank(self._findings, self._gaps, self._at_home.catalog)[0])
        if tool not in self._toolbox:
            self.unrecorded.append(tool)
            return {}
        report = await self._toolbox.use(tool, parameters, self._scope(tool, parameters))
        self._findings += report.findings
        self._gaps += report.gaps
        return report.facts

    def _scope(self, tool: str, parameters: Mapping[str, Any]) -> Scope:
        """Everything recorded belongs to the incident, whether or not a topology leads there; changes are weighed."""
        at_home = "service" in parameters or tool.startswith(("changes.", "database."))
        return self._at_home if at_home else self._everywhere


def _at_home(scope: Scope, databases: Mapping[str, Observed]) -> Scope:
    """Over a catalogue that has the alert's service, also where no topology names it; the databases are its own."""
    services, named = dict(scope.catalog.services), scope.catalog.resolve(scope.alert.service) or scope.alert.service
    if named:
        entry = services.get(named, Service())
        services[named] = entry.model_copy(update={"databases": tuple(databases)})
    known = {name: Database(engine=_engine(one), dsn_env="NOWHERE") for name, one in databases.items()}
    return replace(scope, service=named, catalog=Catalog(services=services, databases=known))


def _engine(database: Observed) -> Literal["postgres", "mysql", "redis"]:
    match database:
        case Postgres():
            return "postgres"
        case MySql():
            return "mysql"
        case RedisServer():
            return "redis"


def _tools(case: Case, databases: Mapping[str, Observed]) -> tuple[Tool, ...]:
    spans = (RecordedSpans(case),) if case.holds(SPANS) else ()
    metrics = exported_tools(RecordedMetrics(case), traced=bool(spans)) if case.holds(METRICS) else ()
    lines = (RecordedLogs(case),) if case.holds(LOGS) else ()
    logs = (*logs_tools(lines), *request_tools(lines, spans)) if lines else ()
    changed = (RecordedChanges(case.folder, case.window.end),) if case.holds(CHANGES) else ()
    changes = changes_tools(changed) if changed else ()
    asked = database_tools(databases, clock=lambda: case.window.end) if databases else ()
    return (*metrics, *logs, *changes, *asked, *(traces_tools(spans) if spans else ()))
