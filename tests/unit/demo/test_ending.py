"""Whoever ends a command, by Ctrl-C or by SIGTERM, finds nothing left behind and does not wait."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest
import typer

from bot.cli import _run

WAITS = """
import asyncio
from bot.demo.command import enter_pressed

async def main():
    try:
        await asyncio.wait_for(enter_pressed(), {within_s})
        print("pressed")
    except TimeoutError:
        print("given up")

asyncio.run(main())
"""


def test_sigterm_ends_a_command_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    closed: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            closed.append("the temporary folder")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(typer.Exit) as ended:
        _run(work)
    assert (closed, ended.value.exit_code) == (["the temporary folder"], 128 + signal.SIGTERM)
    assert capsys.readouterr().err == "Stopped.\n"
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("typed", "within_s", "said"), [(None, 0.05, "given up"), ("\n", 20, "pressed")])
def test_waiting_for_enter_holds_nobody_back(typed: str | None, within_s: float, said: str) -> None:
    program = [sys.executable, "-c", WAITS.format(within_s=within_s)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        if typed:
            process.stdin.write(typed)
            process.stdin.flush()
        try:
            assert process.wait(timeout=30) == 0  # standard input stays open meanwhile
            assert process.stdout.read().strip() == said
        finally:
            process.kill()


def test_a_standard_input_that_has_ended_is_no_enter() -> None:
    program = [sys.executable, "-c", WAITS.format(within_s=0.3)]
    ended = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.strip() == "given up"
