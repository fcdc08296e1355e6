"""Pictures painted in a process of their own: the rasterizer holds up its whole process for as long as it paints.

The process starts with the first picture, keeps the layouts that it has made, works at a lower priority, and ends when
its standard input does, so never after the process that asks. `python -m bot.canvas.painter` is that process: a line of
JSON in (`text`, `outcomes`, `live`), a line of JSON out (`bytes`, or `error`) and then so many bytes of PNG.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import BinaryIO

from bot.canvas.outcome import Outcome
from bot.canvas.playbook import parse
from bot.errors import PlaybookError

DEADLINE_S = 60.0
NICENESS = 5


class CannotPaint(PlaybookError):
    """There is no picture: the drawing is shown in words."""


class Painter:
    """Paints, one picture after the other."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._whole = True
        """Whether every answer was read to its end: the rest of one would be read as the answer to the next."""

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Painter]:
        """A painter whose process ends with the block."""
        painter = cls()
        try:
            yield painter
        finally:
            await painter.close()

    async def paint(self, text: str, outcomes: Mapping[str, Outcome], *, live: bool) -> bytes:
        """The PNG of a playbook with the way so far; `live` says whether the run still goes on.

        Raises:
            CannotPaint: it took too long, or the painting process has ended.
        """
        asked = {
            "text": text,
            "outcomes": {key: outcome.model_dump(mode="json") for key, outcome in outcomes.items()},
            "live": live,
        }
        async with self._turn:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    return await self._painted(json.dumps(asked).encode() + b"\n")
            except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError) as error:
                raise CannotPaint(f"The drawing could not be painted: {type(error).__name__} {error}.") from None
            finally:
                if not self._whole:
                    await self.close()

    async def close(self) -> None:
        """End the painting process."""
        child, self._child, self._whole = self._child, None, True
        if child is not None and child.returncode is None:
            child.kill()
            await child.wait()

    async def _painted(self, line: bytes) -> bytes:
        child = await self._at_work()
        assert child.stdin is not None
        assert child.stdout is not None
        self._whole = False
        child.stdin.write(line)
        await child.stdin.drain()
        told = json.loads(await child.stdout.readline() or b"{}")
        picture = await child.stdout.readexactly(told["bytes"]) if "bytes" in told else b""
        self._whole = bool(told)
        if not picture:
            raise CannotPaint(f"The drawing could not be painted: {told.get('error', 'its process has ended')}.")
        return picture

    async def _at_work(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot.canvas.painter", stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, process_group=0,
            )  # fmt: skip
        return self._child


def serve(asked: BinaryIO, painted: BinaryIO) -> None:
    """Paint what is asked for until nothing more comes."""
    for line in asked:
        told, picture = _answer(json.loads(line))
        painted.write(json.dumps(told).encode() + b"\n" + picture)
        painted.flush()


def _answer(asked: Mapping[str, object]) -> tuple[Mapping[str, object], bytes]:
    from bot.canvas.picture import draw  # noqa: PLC0415 - loads the drawing engine

    try:
        outcomes = asked["outcomes"]
        assert isinstance(outcomes, dict)
        known = {key: Outcome.model_validate(outcome) for key, outcome in outcomes.items()}
        picture = draw(parse(str(asked["text"])), known, "png", live=bool(asked["live"]))
    except (PlaybookError, RuntimeError, ValueError) as error:  # what Mermaid, the file or the record has to say
        return {"error": str(error)[:500]}, b""
    return {"bytes": len(picture)}, picture


def main() -> None:
    """Paint for the process that has started this one, and end without a word when it is gone."""
    os.nice(NICENESS)
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(0)  # what is left in the buffer would break the same pipe once more on the way out


if __name__ == "__main__":
    main()
