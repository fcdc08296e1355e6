"""The changes of a recorded case, in the words in which CI posts them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bot.changes.change import Change, Seen
from bot.changes.posted import posted
from bot.errors import BadInput, SourceUnavailable
from bot.models import Window

CHANGES = "changes.json"
"""In a recorded case: a list of changes, `[]` where there were none."""
KEPT = timedelta(days=400)


class RecordedChanges:
    """Implements `ChangeSource` on a case; `until` is where its window ends."""

    name = CHANGES

    def __init__(self, folder: Path, until: datetime) -> None:
        self._file = folder / CHANGES
        self._until = until

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:  # noqa: ARG002 - the agent tells
        """Those of the span, whatever service they were on.

        Raises:
            BadInput: the file holds no changes.
            SourceUnavailable: it cannot be opened.
        """
        told = await asyncio.to_thread(self._read)
        return Seen(tuple(change for change in told if span.start <= change.at < span.end))

    async def check(self) -> str:
        """How many there are."""
        return f"{len(await asyncio.to_thread(self._read))} changes"

    def _read(self) -> list[Change]:
        try:
            body = self._file.read_bytes()
        except OSError as error:
            raise SourceUnavailable(f"{self._file} cannot be opened: {error.strerror}.") from None
        if body.strip() == b"[]":
            return []
        try:
            told = [change for _, change in posted(body, CHANGES, self._until, KEPT)]
        except BadInput as error:
            raise BadInput(f"{self._file}: {error}") from None
        return told
