"""How an incident's run stands on its drawing, and on the drawings that it went into, ready to be painted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial

from bot.canvas import Kind, Outcome, Playbook, Store, parse
from bot.canvas.painter import Painter
from bot.canvas.picture import as_text, looks
from bot.canvas.plan import plan
from bot.canvas.walk import RUN
from bot.models import Incident
from bot.slack.easel import Sketch
from bot.work.scoping import run_of

DEEPEST = 4
"""Playbooks inside playbooks that get a picture of their own."""


class Drawings:
    """Sketches the runs of incidents from what is stored of them."""

    def __init__(self, store: Store, painter: Painter) -> None:
        self._store = store
        self._painter = painter

    async def of(self, incident: Incident) -> list[Sketch]:
        """The incident's current run first, then those that it went into; none before it has begun."""
        return await self._sketches(f"{incident.id}:{run_of(incident)}", live=not incident.at_rest, depth=1)

    async def _sketches(self, run_id: str, *, live: bool, depth: int) -> list[Sketch]:
        stored = await self._store.load(run_id)
        if RUN not in stored or depth > DEEPEST:
            return []
        playbook = parse(stored[RUN].facts["text"])
        outcomes = {key: outcome for key, outcome in stored.items() if not key.startswith("@")}
        sketches = [self._sketch(run_id, playbook, outcomes, live=live)]
        for step in _entered(playbook, outcomes):
            sketches += await self._sketches(f"{run_id}/{step}", live=live, depth=depth + 1)
        return sketches

    def _sketch(self, run_id: str, playbook: Playbook, outcomes: Mapping[str, Outcome], *, live: bool) -> Sketch:
        ways = plan(playbook, outcomes).edges
        drawn = json.dumps([playbook.hash, dict(looks(playbook, outcomes, live=live)), list(ways.values())])
        return Sketch(
            run=run_id,
            title=playbook.front.title,
            words=as_text(playbook, outcomes, live=live),
            fingerprint=hashlib.sha256(drawn.encode()).hexdigest()[:32],
            paint=partial(self._painter.paint, playbook.text, outcomes, live=live),
        )


def _entered(playbook: Playbook, outcomes: Mapping[str, Outcome]) -> list[str]:
    """The keys of the steps that went, or are about to go, into another playbook."""
    now = plan(playbook, outcomes)
    inner = [node for node in playbook.chart.nodes if playbook.kind(node) is Kind.PLAYBOOK]
    return [now.key(node) for node in inner]
