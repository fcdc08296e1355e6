"""Live updates for open pages, as Server-Sent Events: each page sees what its person may see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bot.demo.workspace.refusal import Json
from bot.demo.workspace.team import Happened, Happening

BEAT_S = 15.0
Picture = Callable[[Happening, str], Json | None]


@dataclass(eq=False)
class _Page:
    user: str
    waiting: asyncio.Queue[Json | None] = field(default_factory=asyncio.Queue)


class Feed:
    """The open pages.

    Args:
        picture: what one person's page is told about a happening; None: nothing.
    """

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._pages: set[_Page] = set()

    def tell(self, happening: Happening) -> None:
        """Pass a happening on."""
        for page in self._pages:
            seen = self._picture(happening, page.user)
            if seen is not None:
                page.waiting.put_nowait(seen)

    def close(self) -> None:
        """End every stream."""
        for page in self._pages:
            page.waiting.put_nowait(None)

    async def follow(self, user: str) -> AsyncIterator[str]:
        """The stream of one page; a beat keeps it open while nothing happens."""
        page = _Page(user)
        self._pages.add(page)
        try:
            yield "retry: 500\n\n"
            while (piece := await self._next(page)) is not None:
                yield piece
        finally:
            self._pages.discard(page)

    async def _next(self, page: _Page) -> str | None:
        try:
            seen = await asyncio.wait_for(page.waiting.get(), BEAT_S)
        except TimeoutError:
            return ": still here\n\n"
        return None if seen is None else f"data: {json.dumps(seen, ensure_ascii=False)}\n\n"


def concerns(happening: Happening, user: str) -> bool:
    """Whether that person may see it."""
    private = happening.what in {Happened.VIEW, Happened.WHISPERED}
    return not private or happening.user == user
