"""The command as people run it: exit codes, messages, and Ctrl-C."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from bot import __version__
from bot.cli import main
from tests.servers.process import wait_until

ROOT = Path(__file__).parents[2]
FIRING = ROOT / "tests/unit/alerts/payloads/alertmanager/firing.json"
SERVE = [sys.executable, "-m", "bot.cli", "serve"]
PLAYBOOK = ROOT / "playbooks/payments-failing.md"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ran]


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """A command sets up what is logged and where; the tests after it are to find that as it was."""
    kept, root = structlog.get_config(), logging.getLogger()
    handlers, level = [*root.handlers], root.level
    yield
    structlog.configure(**kept)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def nightdesk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, logging_kept: None
) -> Run:
    """Runs `nightdesk …` in an empty folder."""
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "argv", ["nightdesk", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return run


def environment(**given: str) -> dict[str, str]:
    """Without the developer's own settings."""
    foreign = ("NIGHTDESK_", "SLACK_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(foreign)}, **given}


def failed(ran: Ran, code: int, said: str) -> None:
    """It ended with that code and one clear message, and without a trace."""
    assert (ran.returncode, "Traceback" in ran.stderr) == (code, False), ran.stderr
    assert said in ran.stderr
    assert ran.stdout == ""


def test_version(nightdesk: Run) -> None:
    assert nightdesk("version").stdout == f"{__version__}\n"


def test_without_a_command_it_says_what_there_is(nightdesk: Run) -> None:
    said = nightdesk().stdout + nightdesk().stderr
    for command in ("serve", "demo", "doctor", "report", "playbook", "alert", "services"):
        assert command in said


def test_an_unknown_command_is_exit_code_2(nightdesk: Run) -> None:
    failed(nightdesk("sevre"), 2, "No such command 'sevre'")


def test_an_alert_is_printed_as_json(nightdesk: Run) -> None:
    ran = nightdesk("alert", "parse", "--source", "alertmanager", FIRING)
    assert ran.returncode == 0
    assert [alert["source"] for alert in json.loads(ran.stdout)] == ["alertmanager"]


def test_an_alert_may_come_from_standard_input(nightdesk: Run) -> None:
    ran = nightdesk("alert", "parse", "-", stdin=FIRING.read_text())
    assert json.loads(ran.stdout)[0]["name"]


@pytest.mark.parametrize(
    ("source", "stdin", "said"),
    [
        ("alertmanager", "no json", "The body is not JSON"),
        ("alertmanager", "{}", "This is not what Alertmanager sends"),
        ("auto", '{"a": 1}', "No known sender sends a body of this shape"),
        ("nagios", "{}", "There is no alert source 'nagios'. There are: "),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(nightdesk: Run, source: str, stdin: str, said: str) -> None:
    failed(nightdesk("alert", "parse", "--source", source, "-", stdin=stdin), 2, said)


def test_a_file_that_cannot_be_read_is_bad_input(nightdesk: Run) -> None:
    failed(nightdesk("alert", "parse", "--source", "auto", "none.json"), 2, "none.json cannot be read: No such file")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"NIGHTDESK_PORT": "abc"}, "nightdesk: 1 setting cannot be used:\n  NIGHTDESK_PORT: "),
        ({"NIGHTDESK_PORT": "0"}, "There is no service catalogue at services.yaml: write one"),
        ({"NIGHTDESK_HOST": "0.0.0.0"}, "no authenticated alert source"),
    ],
)
def test_a_server_that_cannot_start_says_why(tmp_path: Path, given: dict[str, str], said: str) -> None:
    done = subprocess.run(SERVE, cwd=tmp_path, env=environment(**given), capture_output=True, text=True, check=False)
    failed(Ran(done.returncode, done.stdout, done.stderr), 1, said)


def test_playbooks_that_ship_are_sound(nightdesk: Run) -> None:
    assert nightdesk("playbook", "lint", ROOT / "playbooks").returncode == 0


def test_a_fault_in_a_playbook_is_exit_code_1(nightdesk: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.md").write_text(PLAYBOOK.read_text().replace("use: database.blocking", "use: database.bloking"))
    ran = nightdesk("playbook", "lint", "broken.md")
    assert ran.returncode == 1
    assert "broken.md" in ran.stdout
    assert "::error" in nightdesk("playbook", "lint", "broken.md", "--format", "github").stdout


def test_a_playbook_is_rehearsed_on_given_facts(nightdesk: Run, tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    facts.write_text(
        "given: {service: {name: payments, database: d}, alert: {service: payments}}\n"
        "finds:\n"
        "  locks: {blocked_count: 12, root_age_s: 90, root_state: active, database: d, root_pid: 7,"
        " root_backend_start: '2026-01-01T00:00:00Z', root_transaction_start: '2026-01-01T00:00:00Z'}\n"
        "answers: {gate: approved, kill: recovered}\n"
    )
    ran = nightdesk("playbook", "run", PLAYBOOK, "--facts", facts)
    assert ran.returncode == 0, ran.stderr
    assert "would do: postgres.terminate_backend" in ran.stdout
    assert ran.stdout.endswith("finished: done\n")


@pytest.mark.parametrize("text", ["facts: {}", "[1, 2]", "given: ["])
def test_facts_that_cannot_be_read_are_bad_input(nightdesk: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "facts.yaml").write_text(text)
    failed(nightdesk("playbook", "run", PLAYBOOK, "--facts", "facts.yaml"), 2, "facts.yaml")


def test_a_playbook_is_drawn_without_a_browser(nightdesk: Run, tmp_path: Path) -> None:
    ran = nightdesk("playbook", "render", PLAYBOOK, "-o", "drawn.svg")
    assert ran.returncode == 0, ran.stderr
    assert "<svg" in (tmp_path / "drawn.svg").read_text()


def test_the_catalogue_is_checked(nightdesk: Run, tmp_path: Path) -> None:
    ran = nightdesk("services", "check", ROOT / "examples/services.yaml")
    assert ran.stdout.endswith("is sound: 4 services, 3 databases.\n")
    (tmp_path / "services.yaml").write_text("services: {a: {databases: [b]}}")
    failed(nightdesk("services", "check"), 1, "a uses database 'b'")


def test_the_report_of_a_new_installation_says_so(nightdesk: Run, tmp_path: Path) -> None:
    said = nightdesk("report", "--days", "7").stdout
    assert said == "No incidents in the last 7 days: data holds no record (NIGHTDESK_DATA_DIR).\n"
    assert not (tmp_path / "data").exists()  # looking begins nothing
    assert json.loads(nightdesk("report", "--json").stdout)["incidents"] == 0


def test_the_doctor_finds_what_is_missing(nightdesk: Run) -> None:
    ran = nightdesk("doctor")
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)
    assert "✗ Service catalogue: There is no service catalogue at services.yaml" in ran.stdout


@pytest.mark.parametrize("farewell", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
async def test_a_signal_ends_the_server_in_order(tmp_path: Path, farewell: signal.Signals) -> None:
    (tmp_path / "services.yaml").write_text("services: {}")
    errors, output = tmp_path / "err", tmp_path / "out"
    with errors.open("wb") as err, output.open("wb") as out:
        process = subprocess.Popen(SERVE, cwd=tmp_path, env=environment(NIGHTDESK_PORT="0"), stdout=out, stderr=err)
    try:
        await wait_until(lambda: _says(output, process), within_s=60, what="the address of the server")
    finally:
        process.send_signal(farewell)
        code = process.wait(timeout=30)
    log = errors.read_text()
    assert (code, "Traceback" in log) == (0, False), log
    assert "serve.stopped" in log.splitlines()[-1]  # only after everything that was open has been closed


async def _says(output: Path, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "it ended"
    return output.read_text().startswith("http://127.0.0.1:")
