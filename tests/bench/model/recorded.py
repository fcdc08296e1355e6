"""Recorded cases, triaged without a model, with one that helps and with one that lies: is anything ever worse?"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bot.agents.tools import Tool
from bot.canvas.library import load_library
from bot.diagnosis import scope_of, toolbox_of
from bot.llm.chat import Model
from bot.memory import MemoryManager
from bot.models import Incident, Report, Worded
from bot.settings import shipped_playbooks
from bot.storage import connect, embedded_redis
from bot.work.specs import shipped_specs
from tests.bench.diagnosis.cases import Labelled, labelled
from tests.integration.work.night import Look, Night

DEPTHS = (1, 3)
GENERAL = "general-triage"


@dataclass(frozen=True)
class Outcome:
    """What a triage of one case has come to."""

    one: Labelled
    ranked: tuple[tuple[str | None, str, float], ...]
    """Service, kind and confidence, best first."""
    proposed: Mapping[str, Any] | None
    phase: str
    sentences: int
    """Of a model that were told."""

    @property
    def place(self) -> int | None:
        """Of the right service, 1 the best."""
        services = list(dict.fromkeys(service for service, _, _ in self.ranked))
        return services.index(self.one.service) + 1 if self.one.service in services else None


async def outcomes(folder: Path, home: Path, models: Mapping[str, Model | None]) -> dict[str, list[Outcome]]:
    """What comes of every case, with every model."""
    found: dict[str, list[Outcome]] = {name: [] for name in models}
    async with embedded_redis(home) as url, connect(url) as redis, MemoryManager.open(url) as memory:
        for one in labelled(folder):
            begun: list[asyncio.Future[Report]] = []
            looks = {tool.name: _once(tool, one, begun) for tool in toolbox_of(one.case)}
            await _triaged(redis, memory, one, looks, "before", None)
            await asyncio.gather(*begun)  # a busy machine would cut a look short for whoever is first
            for name, model in models.items():
                found[name].append(await _triaged(redis, memory, one, looks, name, model))
    return found


def table(found: Mapping[str, list[Outcome]]) -> list[list[str]]:
    """One row for each model."""
    without = found["none"]
    rows = []
    for name, results in found.items():
        hits = [sum((result.place or 99) <= depth for result in results) / len(results) for depth in DEPTHS]
        same = sum(_decided(mine) == _decided(bare) for mine, bare in zip(results, without, strict=True))
        first = sum(_stands(mine, bare) for mine, bare in zip(results, without, strict=True))
        rows.append(
            [name, str(len(results)), " / ".join(f"{hit:.2f}" for hit in hits), f"{same} of {len(results)}",
             f"{first} of {len(results)}", str(sum(result.sentences for result in results))]
        )  # fmt: skip
    return rows


def _decided(outcome: Outcome) -> tuple[object, ...]:
    return outcome.ranked, outcome.proposed, outcome.phase


def _stands(mine: Outcome, bare: Outcome) -> bool:
    """Whether the first by evidence is first or second."""
    return bare.ranked[0] in mine.ranked[:2]


async def _triaged(
    redis: Redis, memory: MemoryManager, one: Labelled, looks: Mapping[str, Look], name: str, model: Model | None
) -> Outcome:
    scope = scope_of(one.case)
    night = Night(redis, memory, model, looks, scope.catalog)
    playbook = load_library(shipped_playbooks(), shipped_specs()).playbooks[GENERAL]
    digest = hashlib.sha256(f"{one.case.id}:{name}".encode()).hexdigest()[:6].upper()
    incident = await night.triage(playbook, scope.alert, f"260301-{digest}")
    return Outcome(
        one=one,
        ranked=tuple((cause.service, cause.kind, cause.confidence) for cause in incident.hypotheses),
        proposed=_proposed(incident),
        phase=incident.phase.value,
        sentences=sum(len(worded.sentences) for worded in _worded(incident)),
    )


def _proposed(incident: Incident) -> Mapping[str, Any] | None:
    offered = incident.proposal
    return offered.model_dump(include={"action", "parameters", "risk", "approvals_needed"}) if offered else None


def _worded(incident: Incident) -> Iterable[Worded]:
    return (recorded.event for recorded in incident.history if isinstance(recorded.event, Worded))


def _once(tool: Tool, one: Labelled, begun: list[asyncio.Future[Report]]) -> Look:
    """Looks once with the case's own window, and remembers: the agents are the same for every model."""
    mine: list[asyncio.Future[Report]] = []

    async def look() -> Report:
        if not mine:
            mine.append(asyncio.ensure_future(tool.run(tool.parameters(), scope_of(one.case))))
            begun.append(mine[0])
        return await asyncio.shield(mine[0])

    return look
