"""The playbooks that ship: chosen for their alert, played on a recorded case each, and drawn as they are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.canvas import Kind, Playbook
from bot.canvas.commands import render_command
from bot.canvas.library import load_library
from bot.canvas.matching import choose
from bot.canvas.rehearsal import Rehearsal, play
from bot.errors import BadInput
from bot.models import Alert
from bot.recorded import RecordedWorld
from bot.rehearsal import Told, notes_of, refusal, rehearse
from bot.work.specs import shipped_specs
from tests.unit.canvas.answers import ANSWERS, told
from tests.unit.canvas.recordings import MEASURED, RECORDINGS, SPANS, packed, spans_of
from tests.unit.canvas.worlds import drawn

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "cases"
LIBRARY = load_library(ROOT / "playbooks", shipped_specs()).playbooks
SHIPPED = sorted(LIBRARY)
ENDS = {
    "certificate-expiry": ("done", "github.dispatch_workflow"),
    "cpu-memory-saturation": ("done", "kubernetes.scale"),
    "disk-filling": ("done", "awx.launch_job"),
    "error-rate-after-deploy": ("done", "kubernetes.roll_back"),
    "general-triage": ("recovered", "remediation.apply"),
    "latency-from-dependency": ("better", "postgres.terminate_backend"),
    "payments-failing": ("done", "postgres.terminate_backend"),
    "pod-crash-loop": ("done", "kubernetes.roll_back"),
    "postgres-connections": ("done", "postgres.terminate_backend"),
    "postgres-locks": ("done", "postgres.terminate_backend"),
    "postgres-replication-lag": ("done", "postgres.cancel_query"),
    "queue-backlog": ("done", "kubernetes.restart_rollout"),
    "redis-memory": ("done", "redis.set_config"),
    "slow-query-after-deploy": ("done", "kubernetes.roll_back"),
}
"""Where the case of each leads when people approve, and the one action that is simulated there."""
ON_MYSQL = "payments-failing-mysql"
"""A case of payments-failing whose database is a MySQL; its answers are those of a real server."""


def of_case(name: str) -> Mapping[str, Any]:
    notes = {"finds": {}, **notes_of(CASES / name)}
    world = RecordedWorld.open(CASES / name, notes["finds"])
    return {**notes, "given": world.given(notes.get("given", {}))}


async def played(
    name: str, answers: Mapping[str, str] = MappingProxyType({}), *, finds: Mapping[str, Any] | None = None
) -> tuple[str | None, Rehearsal]:
    case = of_case(name)
    world = Rehearsal(RecordedWorld.open(CASES / name, case["finds"]) if finds is None else Told(finds), refusal)
    walked = await play(
        LIBRARY[name], world, given=case["given"], library=LIBRARY, answers={**case.get("answers", {}), **answers}
    )
    assert walked.state == "finished", walked.error
    return walked.end, world


def gates_of(playbook: Playbook) -> list[str]:
    return [node for node in playbook.chart.nodes if playbook.kind(node) is Kind.GATE]


def test_every_shipped_playbook_has_a_case_and_every_case_a_playbook() -> None:
    assert sorted(folder.name for folder in CASES.iterdir()) == sorted([*SHIPPED, ON_MYSQL])
    assert sorted(ENDS) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_the_alert_of_its_case_chooses_the_playbook(name: str) -> None:
    alert = Alert.model_validate(of_case(name)["given"]["alert"])
    assert choose(LIBRARY.values(), alert, alert.service).playbook.id == name


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_recorded_case_leads_to_its_remedy_and_to_nothing_else(name: str) -> None:
    reached, world = await played(name)
    end, action = ENDS[name]
    assert (reached, [done for _, done, _ in world.done]) == (end, [action])


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("answer", ["rejected", "expired"])
async def test_without_an_approval_nothing_is_done(name: str, answer: str) -> None:
    every = {gate: answer for playbook in LIBRARY.values() for gate in gates_of(playbook)}
    _, world = await played(name, every)
    assert world.offered
    assert world.done == []


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("outcome", ["not_recovered", "not_executed", "unknown"])
async def test_a_remedy_that_fails_comes_to_an_end_that_people_hear_of(name: str, outcome: str) -> None:
    changes = [n for p in LIBRARY.values() for n in p.chart.nodes if p.kind(n) is Kind.CHANGE]
    reached, world = await played(name, dict.fromkeys(changes, outcome))
    assert reached != ENDS[name][0]
    assert world.said or reached in {"triaged", "looked"}


@pytest.mark.parametrize("name", SHIPPED)
async def test_where_nothing_answers_nothing_is_proposed(name: str) -> None:
    reached, world = await played(name, finds={})
    assert (world.offered, world.done) == ({}, [])
    assert reached is not None


@pytest.mark.parametrize("name", SHIPPED)
async def test_the_command_plays_it_and_prints_the_path(name: str) -> None:
    said, code = await rehearse(ROOT / "playbooks" / f"{name}.md", case=CASES / name)
    assert code == 0
    assert f"would do: {ENDS[name][1]}" in said
    assert "not recorded" not in said.replace("not recorded, so nothing is known: traces.look\n", "")
    assert said.splitlines()[-1] == f"finished: {ENDS[name][0]}"


async def test_in_mysql_people_are_told_which_session_to_end_and_nothing_is_proposed() -> None:
    said, code = await rehearse(ROOT / "playbooks" / "payments-failing.md", case=CASES / ON_MYSQL)
    assert code == 0
    assert "✓ judge: Is one session blocking many? → by hand" in said
    assert "Session 9 of ledger holds up 21 others." in said
    assert "would do" not in said
    assert "not recorded" not in said
    assert said.splitlines()[-1] == "finished: by_hand"


@pytest.mark.parametrize(
    ("name", "end"),
    [("postgres-locks", "by_hand"), ("latency-from-dependency", "looked"), ("general-triage", "hand_over")],
)
async def test_every_playbook_that_meets_the_queue_in_mysql_leaves_it_to_people(name: str, end: str) -> None:
    said, _ = await rehearse(ROOT / "playbooks" / f"{name}.md", case=CASES / ON_MYSQL)
    assert "would do" not in said
    assert said.splitlines()[-1] == f"finished: {end}"


async def test_leaked_transactions_of_mysql_are_left_to_people() -> None:
    leaking = {
        "room": {"connections_share": 0.97},
        "old": {"idle_in_transaction_count": 8, "oldest_transaction_age_s": 640.0, "oldest_transaction_pid": 811,
                "oldest_transaction_backend_start": ""},
    }  # fmt: skip
    reached, world = await played("postgres-connections", finds=leaking)
    assert (reached, world.offered, world.done) == ("leak", {}, [])


async def test_a_gate_whose_action_would_not_take_what_was_found_is_rejected_and_says_why(tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    facts.write_text(
        "given: {service: {name: payments, database: ledger}}\n"
        "finds: {locks: {blocked_count: 5, root_pid: 7, root_age_s: 90.0, root_state: active, root_statement: UPDATE x,"
        " database: ledger, root_backend_start: yesterday}}"
    )
    said, _ = await rehearse(ROOT / "playbooks" / "postgres-locks.md", facts=facts)
    gate = next(line for line in said.splitlines() if "gate_cancel" in line)
    assert "→ rejected  (Nothing could be proposed: postgres.cancel_query cannot take these parameters: " in gate
    assert "would do" not in said


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_the_committed_recording_of_a_case_is_the_one_that_is_written_down(name: str) -> None:
    packed = (CASES / name / "logs.jsonl.gz").read_bytes()
    assert [json.loads(line) for line in gzip.decompress(packed).splitlines()] == list(RECORDINGS[name].lines())


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_the_committed_measures_of_a_case_are_those_that_are_written_down(name: str) -> None:
    committed = (CASES / name / "metrics.csv.gz").read_bytes()
    assert gzip.decompress(committed) == gzip.decompress(packed(MEASURED[name]))


@pytest.mark.parametrize("name", sorted(SPANS))
def test_the_committed_spans_of_a_case_are_those_that_are_written_down(name: str) -> None:
    committed = (CASES / name / "spans.csv.gz").read_bytes()
    assert gzip.decompress(committed) == gzip.decompress(spans_of(SPANS[name]))


async def test_every_agent_has_something_to_look_at_when_the_general_triage_is_rehearsed() -> None:
    """What the traces show is what the session in the database does, and the cause is still the session."""
    recorded = RecordedWorld.open(CASES / "general-triage", {})
    world = Rehearsal(recorded, refusal)
    walked = await play(LIBRARY["general-triage"], world, given=of_case("general-triage")["given"], library=LIBRARY)
    found = {node: outcome.facts for node, outcome in walked.outcomes.items()}
    assert recorded.unrecorded == []
    assert found["traces"]["trace_score"] >= 0.5
    assert found["logs"]["new_error_count"] == 1
    assert (found["rank"]["kind"], found["rank"]["confidence"] >= 0.6) == ("blocking_session", True)
    assert walked.end == "recovered"


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_committed_answers_of_a_database_are_those_that_are_written_down(name: str) -> None:
    assert json.loads((CASES / name / "database.json").read_text()) == told(ANSWERS[name])


@pytest.mark.parametrize("name", SHIPPED)
def test_no_case_is_told_what_an_agent_can_read_in_its_recording(name: str) -> None:
    assert of_case(name)["finds"] == {}


async def test_what_a_step_asks_of_another_service_is_never_answered_with_the_alert_s_own() -> None:
    asking = drawn(
        "s([Start]) --> own[Own] --> other[Other] --> lines[Lines] --> e([End])",
        {
            "own": "use: metrics.golden_signals\nwith: {service: payments}",
            "other": "use: metrics.golden_signals\nwith: {service: ledger}",
            "lines": "use: logs.new_templates\nwith: {service: ledger}",
        },
    )
    world = Rehearsal(RecordedWorld.open(CASES / "payments-failing", {}))
    walked = await play(asking, world, given=of_case("payments-failing")["given"], library={}, answers={})
    assert walked.outcomes["own"].facts["error_ratio"] == pytest.approx(0.4, rel=0.05)
    assert (walked.outcomes["other"].facts, walked.outcomes["lines"].facts) == ({}, {})


async def test_a_disk_is_kept_from_filling_by_what_was_read_in_its_recorded_log() -> None:
    reached, world = await played("disk-filling")
    assert reached == "done"
    assert any("upstream <ip> refused request <num>" in said for said in world.said)


async def test_a_folder_that_is_no_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"case\.json"):
        await rehearse(ROOT / "playbooks" / "general-triage.md", case=tmp_path)


def test_the_committed_picture_of_each_shows_its_drawing_as_it_is_now() -> None:
    said, code = render_command(ROOT / "playbooks", ROOT / "docs" / "drawings", check=True)
    assert code == 0, said
    pictures = sorted(file.stem for file in (ROOT / "docs" / "drawings").glob("*.png"))
    assert pictures == SHIPPED


def test_a_picture_of_another_version_is_told(tmp_path: Path) -> None:
    drawings = tmp_path / "drawings"
    drawings.mkdir()
    picture = (ROOT / "docs" / "drawings" / "general-triage.png").read_bytes()
    (drawings / "general-triage.png").write_bytes(picture)
    file = tmp_path / "general-triage.md"
    text = (ROOT / "playbooks" / "general-triage.md").read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    assert render_command(file, drawings / "general-triage.png", check=True)[1] == 0
    file.write_text(text.replace("Something is wrong", "Something else is wrong"), encoding="utf-8")
    assert render_command(file, drawings / "general-triage.png", check=True)[1] == 1


def test_the_hooks_for_other_repositories_name_commands_that_there_are() -> None:
    hooks = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["entry"] for hook in hooks] == ["nightdesk playbook lint", "nightdesk playbook format"]


async def test_a_query_on_the_primary_is_not_cancelled_for_a_copy_that_lags() -> None:
    primary = {
        "copies": {"replication_lag_s": 720.0, "is_standby": False},
        "readers": {"oldest_transaction_age_s": 760.0, "oldest_transaction_pid": 90},
    }
    reached, world = await played("postgres-replication-lag", finds=primary)
    assert (reached, world.done) == ("triaged", [])


async def test_people_say_how_many_consumers_a_burst_gets() -> None:
    burst = {"signals": {"up_ratio": 1.0, "error_ratio": 0.0, "traffic_rps": 90.0, "traffic_rps_baseline": 30.0}}
    reached, world = await played("queue-backlog", {"burst": "16"}, finds=burst)
    assert reached == "done"
    assert [parameters["replicas"] for _, _, parameters in world.done] == ["16"]
    assert (await played("queue-backlog", {"burst": "wait"}, finds=burst))[1].done == []


async def test_a_rehearsal_says_that_no_incident_would_run_a_playbook_with_findings(tmp_path: Path) -> None:
    text = (ROOT / "playbooks" / "redis-memory.md").read_text(encoding="utf-8")
    file = tmp_path / "redis-memory.md"
    file.write_text(text.replace("use: database.memory", "use: database.memroy", 1))
    said, _ = await rehearse(file, case=CASES / "redis-memory")
    assert said.startswith(("1 finding of lint: no incident runs it so", "2 findings of lint: no incident runs it so"))
    assert (
        "finding of lint"
        not in (await rehearse(ROOT / "playbooks" / "redis-memory.md", case=CASES / "redis-memory"))[0]
    )
