"""How a run stands on its drawing, read from what is stored of it."""

from __future__ import annotations

from typing import Any

from bot.canvas import MemoryStore, decide, walk
from bot.models import HandedOver, Incident, Opened, Phase, Recorded
from bot.work.drawings import Drawings
from tests.unit.canvas.test_walk import INNER, OUTER
from tests.unit.canvas.worlds import GIVEN, ToldWorld
from tests.unit.work.histories import ID, NOW, alert, incident

RUN_ID = f"{ID}:1-0"


class NoPainter:
    """Nothing is painted here."""

    async def paint(self, text: str, *_: object, **__: object) -> bytes:
        return text.encode()


def opened(*more: Any) -> Incident:
    told = incident(Opened(at=NOW, alert=alert()), *more)
    first = Recorded(id="1-0", phase=Phase.INVESTIGATING, event=told.history[0].event)
    return told.model_copy(update={"history": (first, *told.history[1:])})


async def started(store: MemoryStore) -> Drawings:
    painter: Any = NoPainter()
    await walk(OUTER, RUN_ID, store=store, world=ToldWorld({"x": {"pid": 7}}), given=GIVEN, library={"inner": INNER})
    return Drawings(store, painter)


async def test_before_a_run_has_begun_there_is_nothing_to_draw() -> None:
    painter: Any = NoPainter()
    assert await Drawings(MemoryStore(), painter).of(opened()) == []


async def test_a_run_and_the_playbook_that_it_went_into_are_drawn_as_they_stand() -> None:
    store = MemoryStore()
    drawings = await started(store)
    outer, inner = await drawings.of(opened())
    assert (outer.run, inner.run) == (RUN_ID, f"{RUN_ID}/s")
    assert "▶ inner" in outer.words
    assert "⏳ Ask" in inner.words
    assert (await inner.paint()).decode() == INNER.text


async def test_a_step_forward_is_another_picture_and_standing_still_is_not() -> None:
    store = MemoryStore()
    drawings = await started(store)
    _, before = await drawings.of(opened())
    _, same = await drawings.of(opened())
    await decide(store, f"{RUN_ID}/s", "g", "approved")
    _, after = await drawings.of(opened())
    assert before.fingerprint == same.fingerprint != after.fingerprint


async def test_once_people_have_taken_over_nothing_is_shown_as_waiting() -> None:
    drawings = await started(MemoryStore())
    outer, inner = await drawings.of(opened(HandedOver(at=NOW, reason="people")))
    assert "▶" not in outer.words
    assert "⏳" not in inner.words
