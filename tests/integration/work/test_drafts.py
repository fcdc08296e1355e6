"""What an incident taught, read from its run, its cause and its thread."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.canvas import MemoryStore, walk
from bot.canvas.library import load_library
from bot.models import Message, Recalled
from bot.work.drafts import Drafts
from bot.work.specs import shipped_specs
from tests.integration.work.test_drawings import RUN_ID, opened
from tests.unit.canvas.worlds import GIVEN, ToldWorld
from tests.unit.work.histories import NOW

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
LIBRARY = load_library(PLAYBOOKS, shipped_specs()).playbooks
THREAD = "1772334720.000100"


class Said:
    """A memory of one channel."""

    def __init__(self, *texts: tuple[str, str | None]) -> None:
        self.texts = texts

    async def recall(self, query: str, **asked: Any) -> list[Recalled]:
        assert (query, asked["channel"]) == ("", "C0")
        at = NOW + timedelta(minutes=5)
        return [
            Recalled(message=Message(id=f"{n}.1", channel="C0", thread=thread, user="UMINA", text=text, sent_at=at),
                     score=1.0, why="")
            for n, (text, thread) in enumerate(self.texts)
        ]  # fmt: skip


async def walked(name: str, **answers: Any) -> MemoryStore:
    store = MemoryStore()
    world = ToldWorld({tool.replace("_", ".", 1): found for tool, found in answers.items()})
    await walk(LIBRARY[name], RUN_ID, store=store, world=world, given=GIVEN, library=LIBRARY)
    return store


def drafts(store: MemoryStore, *texts: tuple[str, str | None]) -> Drafts:
    memory: Any = Said(*texts)
    return Drafts(store, memory, lambda: LIBRARY, shipped_specs())


async def test_what_people_ran_by_hand_in_the_thread_becomes_a_draft() -> None:
    store = await walked("general-triage")
    said = (
        ("I ran `kubectl rollout undo deployment/search` and it helped", THREAD),
        ("elsewhere: `rm -rf`", None),
        ("no command", THREAD),
    )  # fmt: skip
    offered = await drafts(store, *said).of(opened().model_copy(update={"channel": "C0"}), THREAD)
    assert offered
    assert "kubectl rollout undo deployment/search   (UMINA)" in offered.text
    assert "rm -rf" not in offered.text


async def test_an_incident_of_a_drawn_playbook_becomes_a_patch_at_the_end_that_was_reached() -> None:
    store = await walked("queue-backlog", metrics_golden_signals={"error_ratio": 0.5, "up_ratio": 1.0},
                         logs_new_templates={"new_error_count": 1})  # fmt: skip
    incident = opened().model_copy(update={"channel": "C0"})
    offered = await drafts(store, ("```redis-cli lrem dead 1 x```", THREAD)).of(incident, THREAD)
    assert offered
    assert (offered.name, "### poison" in offered.text) == ("queue-backlog.patch", True)
    assert "+    redis-cli lrem dead 1 x   (UMINA)" in offered.text


@pytest.mark.parametrize("thread", [None, THREAD])
async def test_where_nobody_left_the_drawing_nothing_is_offered(thread: str | None) -> None:
    store = await walked("general-triage")
    assert await drafts(store).of(opened().model_copy(update={"channel": "C0"}), thread) is None
    assert await drafts(MemoryStore()).of(opened(), thread) is None


async def test_what_a_model_would_check_first_stands_in_the_draft_as_quoted_words() -> None:
    async def lesson(_: object) -> tuple[str, ...]:
        return ("### kill", "Look for idle sessions first.")

    store = await walked("general-triage")
    memory: Any = Said(("`kubectl rollout undo deployment/search`", THREAD))
    written = Drafts(store, memory, lambda: LIBRARY, shipped_specs(), lesson)
    offered = await written.of(opened().model_copy(update={"channel": "C0"}), THREAD)
    assert offered
    assert "In a model's words, to be checked:\n\n    ### kill\n    Look for idle sessions first.\n" in offered.text
