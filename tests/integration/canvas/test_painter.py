"""Pictures painted in a process of their own, which never stays behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.canvas import Outcome
from bot.canvas.painter import CannotPaint, Painter
from tests.unit.canvas.test_walk import GATED

ROOT = Path(__file__).parents[3]
PNG = b"\x89PNG\r\n\x1a\n"
DONE = {"a": Outcome(), "x": Outcome(facts={"pid": 7})}


@pytest.fixture
async def painter() -> AsyncIterator[Painter]:
    async with Painter.open() as painter:
        yield painter


async def test_a_picture_shows_the_way_and_whether_it_still_goes_on(painter: Painter) -> None:
    pictures = [
        await painter.paint(GATED.text, {}, live=True),
        await painter.paint(GATED.text, DONE, live=True),
        await painter.paint(GATED.text, DONE, live=False),
    ]
    assert all(picture.startswith(PNG) for picture in pictures)
    assert len(set(pictures)) == 3


async def test_what_cannot_be_painted_is_said_and_the_next_picture_comes(painter: Painter) -> None:
    with pytest.raises(CannotPaint, match="front matter"):
        await painter.paint("no playbook", {}, live=True)
    assert (await painter.paint(GATED.text, {}, live=True)).startswith(PNG)


async def test_a_painting_process_that_was_killed_is_started_again(painter: Painter) -> None:
    await painter.paint(GATED.text, {}, live=True)
    child = painter._child
    assert child
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    assert (await painter.paint(GATED.text, {}, live=True)).startswith(PNG)


async def test_a_painter_that_is_interrupted_does_not_mix_up_its_answers(painter: Painter) -> None:
    plain = await painter.paint(GATED.text, {}, live=True)
    asked = asyncio.create_task(painter.paint(GATED.text, DONE, live=True))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert await painter.paint(GATED.text, {}, live=True) == plain


async def test_the_process_ends_when_nobody_can_ask_it_any_more() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.canvas.painter", stdin=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert child.stdin
    child.stdin.close()
    assert await child.wait() == 0


async def test_it_ends_without_a_word_when_nobody_reads_its_pictures_any_more() -> None:
    """The bot was killed while a picture was painted."""
    reading, writing = os.pipe()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.canvas.painter", cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=writing, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    os.close(reading)
    asked = {"text": GATED.text, "outcomes": {}, "live": True}
    _, said = await child.communicate(json.dumps(asked).encode() + b"\n")
    assert (child.returncode, said) == (0, b"")
