"""Restarting named processes with real commands."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.catalog import Catalog, Service
from bot.errors import EffectFailed, EffectUnknown, Misconfigured, PreconditionFailed, RemediationError
from bot.remediation.restart import Restart, RestartParameters
from bot.settings import RestartTarget
from tests.servers.process import wait_until

CATALOG = Catalog(services={"payments": Service(), "checkout": Service(depends_on=("payments",))})
WORKER = RestartParameters(target="worker")


def restart(*command: str, timeout_s: float = 20) -> Restart:
    return Restart(CATALOG, {"worker": RestartTarget(command=command, service="payments", timeout_s=timeout_s)})


def program(folder: Path, text: str) -> str:
    file = folder / "program"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o700)
    return str(file)


async def test_the_exact_command_runs_and_no_shell_reads_it(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    code = f"import sys; open({str(proof)!r}, 'w').write(repr(sys.argv[1:]))"
    action = restart(sys.executable, "-c", code, "a b; touch /tmp/x", "$HOME", "*")
    await action.check(WORKER)
    assert await action.perform(WORKER, "key") == "worker was restarted."
    assert proof.read_text() == repr(["a b; touch /tmp/x", "$HOME", "*"])


async def test_the_command_sees_none_of_our_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    proof = tmp_path / "proof"
    action = restart(sys.executable, "-c", f"import os; open({str(proof)!r}, 'w').write(repr(sorted(os.environ)))")
    await action.perform(WORKER, "key")
    assert "SLACK_BOT_TOKEN" not in proof.read_text()


async def test_a_command_that_fails_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    action = restart(program(tmp_path, "echo it is half-way down >&2; exit 3"))
    with pytest.raises(EffectUnknown, match="code 3: it is half-way down"):
        await action.perform(WORKER, "key")


async def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    action = restart(program(tmp_path, f"sleep 600 & echo $! > {pids}; wait"), timeout_s=3)
    with pytest.raises(EffectUnknown, match="did not end within 3 s"):
        await action.perform(WORKER, "key")
    child = int(pids.read_text())

    async def gone() -> bool:
        # a killed child of a killed parent stays a zombie until init collects it
        stat = Path(f"/proc/{child}/stat")
        return not stat.exists() or stat.read_text().split()[2] == "Z"

    await wait_until(gone, what="the end of the child")


async def test_what_stays_in_the_background_does_not_keep_us_waiting(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    action = restart(program(tmp_path, f"sleep 600 & echo $! > {pids}"))
    try:
        assert await asyncio.wait_for(action.perform(WORKER, "key"), 15) == "worker was restarted."
    finally:
        os.kill(int(pids.read_text()), 9)


async def test_a_program_that_is_not_there_fails_before_and_at_the_effect(tmp_path: Path) -> None:
    action = restart(str(tmp_path / "missing"))
    with pytest.raises(PreconditionFailed, match="no program"):
        await action.check(WORKER)
    with pytest.raises(EffectFailed, match="No such file"):
        await action.perform(WORKER, "key")


@pytest.fixture
def systemctl(tmp_path: Path) -> str:
    """A stand-in for systemctl that knows one unit and writes down how it was called."""
    return program(
        tmp_path,
        f'echo "$@" >> {tmp_path}/calls\n'
        'case "$*" in\n'
        '  "show --property=LoadState --value -- known.service") echo loaded;;\n'
        "  show*) echo not-found;;\n"
        '  "restart -- known.service") exit 0;;\n'
        "  restart*) exit 5;;\n"
        "esac",
    )


async def test_a_unit_is_restarted_through_systemctl(systemctl: str, tmp_path: Path) -> None:
    action = Restart(CATALOG, {"worker": RestartTarget(unit="known.service")}, systemctl=systemctl)
    await action.check(WORKER)
    assert await action.perform(WORKER, "key") == "worker was restarted."
    assert (tmp_path / "calls").read_text().splitlines()[-1] == "restart -- known.service"


async def test_a_unit_that_systemd_does_not_know_is_not_restarted(systemctl: str) -> None:
    action = Restart(CATALOG, {"worker": RestartTarget(unit="other.service")}, systemctl=systemctl)
    with pytest.raises(PreconditionFailed, match="no unit"):
        await action.check(WORKER)
    with pytest.raises(EffectFailed, match="does not know"):
        await action.perform(WORKER, "key")


@pytest.mark.parametrize("unit", ["--force", "-H evil", "a b", "a;b", "a/b", "a\nb"])
def test_a_unit_name_that_reads_as_something_else_is_misconfigured(unit: str) -> None:
    with pytest.raises(Misconfigured, match="no valid unit name"):
        Restart(CATALOG, {"worker": RestartTarget(unit=unit)})


def test_an_empty_unit_name_names_none() -> None:
    with pytest.raises(ValidationError, match="names either a systemd 'unit' or a 'command' vector"):
        RestartTarget(unit="")


@pytest.mark.parametrize("given", [{"target": "other"}, {"target": ""}, {}, {"target": "worker", "unit": "ssh"}])
def test_only_named_targets_are_restarted(given: dict[str, str]) -> None:
    with pytest.raises(RemediationError):
        restart("/bin/true").accept(given)


async def test_the_blast_radius_is_everything_that_stands_on_the_service() -> None:
    blast = await restart("/bin/true").blast_radius(WORKER)
    assert (blast.services, blast.reach) == (("payments", "checkout"), "service")
