"""Folders of playbooks, and what the command line does with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.canvas import Step
from bot.canvas.commands import format_command, lint_command, render_command
from bot.canvas.library import Shelf, load_library
from bot.canvas.rehearsal import Rehearsal, play
from bot.errors import BadInput
from bot.work.specs import shipped_specs
from tests.unit.canvas.test_lint import OTHER, SOUND
from tests.unit.canvas.worlds import GIVEN, TOOLS

SHIPPED = Path(__file__).parents[3] / "playbooks"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sound.md").write_text(SOUND)
    (tmp_path / "other.md").write_text(OTHER)
    (tmp_path / "README.md").write_text("# Not a playbook\n")
    return tmp_path


def test_a_library_holds_what_is_sound_and_the_faults_of_the_rest(folder: Path) -> None:
    (folder / "broken.md").write_text("no front matter")
    (folder / "wrong.md").write_text(OTHER.replace("id: other", "id: wrong").replace("e([End])", "e[End]"))
    library = load_library(folder, TOOLS)
    assert sorted(library.playbooks) == ["other", "sound"]
    assert {Path(fault.file).name for fault in library.faults} == {"broken.md", "wrong.md"}


def test_a_file_that_has_not_changed_is_not_read_anew(folder: Path) -> None:
    before = load_library(folder).playbooks
    (folder / "other.md").write_text(OTHER.replace("The other one", "Quite another"))
    after = load_library(folder).playbooks
    assert after["sound"] is before["sound"]
    assert after["other"].hash != before["other"].hash


def test_a_shelf_gives_the_playbooks_as_they_are_on_disk_and_says_what_it_leaves_out(folder: Path) -> None:
    shelf = Shelf(folder, TOOLS)
    assert sorted(shelf.playbooks()) == ["other", "sound"]
    (folder / "broken.md").write_text("no front matter")
    (folder / "third.md").write_text(OTHER.replace("id: other", "id: third"))
    with capture_logs() as said:
        assert sorted(shelf.playbooks()) == ["other", "sound", "third"]
    assert {one["event"] for one in said} == {"playbook.fault"}
    with capture_logs() as said:
        assert sorted(shelf.playbooks()) == ["other", "sound", "third"]
    assert said == [], "told at the change, not at each look"


def test_what_an_editor_leaves_beside_a_playbook_is_none(folder: Path) -> None:
    (folder / ".#sound.md").symlink_to("mina@laptop.4711")  # as Emacs locks a file
    assert sorted(Shelf(folder, TOOLS).playbooks()) == ["other", "sound"]
    assert lint_command([folder], tools=TOOLS) == ("No findings.", 0)


def test_a_link_to_nothing_is_a_fault_and_the_other_playbooks_are_used(folder: Path) -> None:
    (folder / "moved.md").symlink_to(folder / "nowhere.md")
    with capture_logs() as said:
        assert sorted(Shelf(folder, TOOLS).playbooks()) == ["other", "sound"]
    assert ["moved.md" in one["fault"] for one in said] == [True]


def test_linting_a_sound_folder_exits_with_zero(folder: Path) -> None:
    assert lint_command([folder], tools=TOOLS) == ("No findings.", 0)


def test_linting_one_file_knows_its_neighbours_but_reports_only_its_own_findings(folder: Path) -> None:
    (folder / "broken.md").write_text("no front matter")
    assert lint_command([folder / "sound.md"], tools=TOOLS) == ("No findings.", 0)
    text, code = lint_command([folder / "broken.md"], "github")
    assert (code, text.startswith("::error file=")) == (1, True)


def test_linting_nothing_is_said(tmp_path: Path) -> None:
    assert lint_command([tmp_path])[1] == 2


def test_formatting_writes_once_and_checks_without_writing(folder: Path) -> None:
    ugly = OTHER.replace("a([Start]) --> e([End])", "a([Start])-->e([End])")
    (folder / "other.md").write_text(ugly)
    assert format_command([folder / "other.md"], check=True)[1] == 1
    assert (folder / "other.md").read_text() == ugly
    assert format_command([folder / "other.md"])[1] == 1
    assert format_command([folder / "other.md"], check=True) == ("All are written canonically.", 0)


def test_a_drawing_as_text_names_every_node_and_way(folder: Path) -> None:
    said, _ = render_command(folder / "sound.md", folder / "sound.txt")
    assert said.startswith("Sound in every way: 13 nodes drawn to")
    assert "    yes → Ask to end it" in (folder / "sound.txt").read_text()


def test_an_unknown_ending_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"\.svg, \.png, \.txt"):
        render_command(folder / "sound.md", folder / "sound.bmp")


class Recorded:
    """The facts of a recorded case."""

    def __init__(self, **facts: Mapping[str, Any]) -> None:
        self.facts = facts

    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return self.facts.get(tool.replace(".", "_"), {})


LOCKED = {
    "blocked_count": 7, "root_pid": 4711, "root_backend_start": "2026-03-01T11:40:00Z", "root_age_s": 93.5,
    "root_transaction_start": "2026-03-01T11:41:00Z", "root_state": "active",
    "root_statement": "select", "database": "payments-db",
}  # fmt: skip
RANKED = {
    "kind": "blocking_session", "service": "payments", "confidence": 0.8, "remedy_count": 1,
    "remedy_action": "postgres.cancel_query", "remedy_parameters": {"pid": 4711},
}  # fmt: skip


def test_the_shipped_playbooks_have_no_findings_and_are_written_canonically() -> None:
    assert lint_command([SHIPPED], tools=shipped_specs()) == ("No findings.", 0)
    assert format_command([SHIPPED], check=True)[1] == 0


async def shipped(name: str, reader: Recorded, **answers: str) -> tuple[str | None, Rehearsal]:
    library = load_library(SHIPPED, shipped_specs()).playbooks
    world = Rehearsal(reader)
    walked = await play(library[name], world, given=GIVEN, library=library, answers=answers)
    assert walked.state == "finished", walked.error
    return walked.end, world


@pytest.mark.parametrize(
    ("answers", "end"),
    [
        ({}, "done"),
        ({"gate": "rejected"}, "triaged"),
        ({"gate": "expired"}, "page"),
        ({"kill": "not_recovered"}, "page"),
        ({"kill": "unknown"}, "page"),
        ({"kill": "not_executed"}, "triaged"),
    ],
)
async def test_failing_payments_behind_one_lock_end_as_people_decide(answers: dict[str, str], end: str) -> None:
    reached, world = await shipped("payments-failing", Recorded(database_blocking_sessions=LOCKED), **answers)
    assert reached == end
    (change,) = world.offered["gate"]
    assert change.parameters == {
        "database": "payments-db", "pid": 4711, "backend_start": "2026-03-01T11:40:00Z",
        "transaction_start": "2026-03-01T11:41:00Z",
    }  # fmt: skip
    assert [node for node, _, _ in world.done] == (["kill"] if answers.get("gate", "approved") == "approved" else [])


async def test_failing_payments_without_any_answer_are_triaged_and_nothing_is_done() -> None:
    reached, world = await shipped("payments-failing", Recorded())
    assert (reached, world.done) == ("triaged", [])


async def test_payments_that_do_not_arrive_are_not_ours_to_mend() -> None:
    signals = {"traffic_rps": 0, "error_ratio": 0}
    reached, _ = await shipped("payments-failing", Recorded(metrics_golden_signals=signals))
    assert reached == "upstream"


@pytest.mark.parametrize(
    ("ranked", "answers", "end"),
    [
        (RANKED, {}, "recovered"),
        (RANKED, {"remedy": "not_recovered"}, "page"),
        (RANKED, {"remedy": "not_executed"}, "hand_over"),
        ({**RANKED, "remedy_count": 2}, {}, "hand_over"),
        ({**RANKED, "confidence": 0.5}, {}, "hand_over"),
        ({}, {}, "hand_over"),
    ],
)
async def test_the_general_triage_proposes_only_what_is_clear(
    ranked: Mapping[str, Any], answers: dict[str, str], end: str
) -> None:
    reached, world = await shipped("general-triage", Recorded(commander_rank=ranked), **answers)
    assert reached == end
    assert all(
        action == "remediation.apply" and given["parameters"] == {"pid": 4711} for _, action, given in world.done
    )


@pytest.mark.parametrize(
    ("trend", "end"),
    [({"full_in_s": 1200.0}, "page"), ({"full_in_s": 7200.0}, "triaged"), ({"filling_count": 0}, "triaged")],
)
async def test_a_disk_that_is_full_within_the_hour_wakes_somebody(trend: Mapping[str, Any], end: str) -> None:
    reached, world = await shipped("disk-filling", Recorded(metrics_forecast=trend))
    assert (reached, world.done) == (end, [])
