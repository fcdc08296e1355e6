"""A step for each item of a list: one after the other, each item's facts kept as soon as they are there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.canvas import templates
from bot.canvas.explore import Once
from bot.canvas.outcome import Outcome
from bot.canvas.perform import Turn

ITEM = "@item:"
"""Entries with the facts of one item."""


async def for_each(turn: Turn, once: Once) -> Outcome:
    """Use the step's tool on the items; the facts are `items`, `count` and `left_out`."""
    settings = turn.settings
    try:
        items = templates.resolve(settings.foreach, turn.facts)
    except templates.MissingValue as missing:
        return Outcome(state="failed", note=str(missing))
    if not isinstance(items, list):
        return Outcome(state="failed", note=f"{settings.foreach} is not a list.")
    looked_at = items[: settings.at_most]
    found = [await _item(turn, once, at, item) for at, item in enumerate(looked_at)]
    failed = [outcome.note for outcome in found if outcome.state == "failed"]
    left = len(items) - len(looked_at)
    facts = {"items": [dict(outcome.facts) for outcome in found], "count": len(found), "left_out": left}
    if failed:
        return Outcome(state="failed", facts=facts, note=f"{len(failed)} of {len(found)} failed: {failed[0]}")
    return Outcome(facts=facts, note=f"{left} more were left out." if left else None)


async def _item(turn: Turn, once: Once, at: int, item: Any) -> Outcome:
    step = replace(turn.step, key=f"{turn.step.key}[{at}]")
    own = Turn(turn.playbook, step, {**turn.facts, turn.settings.as_: item}, turn.world, turn.clock)
    return await once(f"{ITEM}{turn.step.key}:{at}", lambda: own.tried(own.read))
