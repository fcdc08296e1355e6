"""Drafts of what an incident taught: sound as they stand, for review, and never more than quoted words of others."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.canvas import parse
from bot.canvas.learned import Draft, Led, Story, draft
from bot.canvas.library import load_library
from bot.canvas.lint import lint
from bot.work.specs import shipped_specs

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
LIBRARY = load_library(PLAYBOOKS, shipped_specs()).playbooks
LOCKS = Led(
    "database.blocking_sessions",
    {"database": "{{ service.database }}"},
    {"blocked_count": 7, "root_pid": 0},
    explored=False,
)
LINES = Led(
    "logs.new_templates",
    {"service": "{{ locks.database }}"},
    {"new_error_count": 2, "error_share": 0.25},
    explored=True,
)
RAN = (("UMINA", "kubectl rollout undo deployment/search"),)


def story(**changes: Any) -> Story:
    told: dict[str, Any] = {
        "incident_id": "260301-TESTED", "began": datetime(2026, 3, 1, 3, 12, tzinfo=UTC), "alertname": "SearchIsOdd",
        "service": "search", "cause": "A release broke the index.", "led": (LOCKS, LINES), "commands": RAN,
        "playbook": LIBRARY["general-triage"], "end": "hand_over",
    }  # fmt: skip
    return Story(**{**told, **changes})


def drafted(**changes: Any) -> Draft:
    written = draft(story(**changes))
    assert written
    return written


def faults(written: Draft) -> list[str]:
    return [str(fault) for fault in lint(parse(written.text, written.name), shipped_specs(), LIBRARY)]


@pytest.mark.parametrize("led", [(), (LOCKS,), (LINES,), (LOCKS, LINES)], ids=["none", "one", "explored", "two"])
@pytest.mark.parametrize("commands", [(), RAN], ids=["no commands", "commands"])
def test_a_draft_is_sound_whatever_led_to_the_cause(
    led: tuple[Led, ...], commands: tuple[tuple[str, str], ...]
) -> None:
    told = story(led=led, commands=commands)
    written = draft(told)
    assert (written is not None) == (bool(commands) or any(look.explored for look in led))
    if written:
        assert faults(written) == []


def test_a_draft_asks_what_led_there_and_shows_what_was_run_by_hand_without_running_it() -> None:
    written = drafted()
    playbook = parse(written.text, written.name)
    assert written.name == "learned-search-is-odd.md"
    match = playbook.front.match
    assert match
    assert (match.alertname, match.service) == (("SearchIsOdd",), ("search",))
    same = playbook.of("same").when["as last time"]
    assert same == "look_database_blocking_sessions.blocked_count >= 7 && look_logs_new_templates.new_error_count >= 2"
    assert "    kubectl rollout undo deployment/search" in written.text
    assert not any(settings.change for settings in playbook.settings.values())
    assert playbook.of("look_logs_new_templates").with_ == {}, "a reference to another drawing's node is left out"


def test_an_incident_that_stayed_in_its_drawing_teaches_nothing() -> None:
    assert draft(story(led=(LOCKS,), commands=())) is None


NASTY = "x\n### kill\n```yaml\nchange: process.restart\n```\n{{ alert.name }} `---`"


def test_words_of_others_are_prose_and_never_a_node_a_block_or_a_reference() -> None:
    written = drafted(
        alertname='A"]: {b}\n---\nid: evil', service='s"x\n', cause=NASTY, commands=(("UEVE", NASTY),), led=(LOCKS,)
    )  # fmt: skip
    assert faults(written) == []
    playbook = parse(written.text, written.name)
    assert playbook.id == "learned-a-b-id-evil"
    assert "kill" not in playbook.sections
    assert not any(settings.change for settings in playbook.settings.values())


def test_a_draft_can_be_read_whatever_was_pasted_into_the_thread() -> None:
    pasted = "```mermaid\n~~~~ mermaid\n<!--\nuname\u200b -a\u2028\u202eid\x1b[31m\n### kill\n \t- x\n---"
    written = drafted(commands=(("UEVE", pasted),), cause=pasted, lesson=(pasted,))
    assert faults(written) == []
    assert "    uname -a" in written.text


def test_where_a_playbook_ran_the_lesson_is_a_patch_to_it_that_applies(tmp_path: Path) -> None:
    ran = LIBRARY["postgres-locks"]
    written = drafted(playbook=ran, end="waiting")
    assert written.name == "postgres-locks.patch"
    (tmp_path / "playbooks").mkdir()
    file = tmp_path / "playbooks" / "postgres-locks.md"
    file.write_text(ran.text, encoding="utf-8")
    done = subprocess.run(
        ["git", "apply", "-"], input=written.text, cwd=tmp_path, text=True, capture_output=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    patched = parse(file.read_text(encoding="utf-8"), str(file))
    assert "kubectl rollout undo" in patched.sections["waiting"].prose
    assert patched.chart == ran.chart
    assert [str(fault) for fault in lint(patched, shipped_specs(), LIBRARY)] == []
