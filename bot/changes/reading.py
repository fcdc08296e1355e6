"""Asking HTTP sources for lists: typed, page by page, several at a time, each failure with what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bot.changes.change import Change, Seen
from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Gap

AT_ONCE = 6
"""Questions under way at a time at one source."""

T = TypeVar("T")


def token_of(name: str) -> str:
    """The variable that sets the token of that source."""
    return f"NIGHTDESK_CHANGES__SOURCES__{name.upper()}__TOKEN"


class Asked:
    """Base of the sources that are asked over HTTP; closed with the service."""

    def __init__(self, name: str, http: HttpSource) -> None:
        self._name = name
        self._http = http

    @property
    def name(self) -> str:
        """As it is configured."""
        return self._name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)


class Foreign(BaseModel):
    """Base of what a source sends: fields that are not named here are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def read(shape: type[T], body: object, source: str) -> T:
    """The answer as the type that its documentation promises.

    Raises:
        SourceUnavailable: it is something else.
    """
    try:
        return TypeAdapter(shape).validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise SourceUnavailable(
            f"{source} answered in a form that is not known ({place}: {first['msg']}): is the address right?"
        ) from None


async def pages(
    http: HttpSource, path: str, params: Mapping[str, Any], most: int, *, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Any]:
    """The bodies of at most so many pages, following `Link: rel="next"`.

    Raises:
        SourceUnavailable: as `HttpSource.page`.
    """
    page = await http.page(path, params, headers=headers)
    yield page.body
    for _ in range(most - 1):
        if page.next_path is None:
            return
        page = await http.page(page.next_path, headers=headers)
        yield page.body


async def together(source: str, questions: Iterable[Awaitable[Seen]]) -> Seen:
    """All answers as one; a question that fails is a gap, and the others still count."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def asked(question: Awaitable[Seen]) -> Seen:
        async with slots:
            try:
                return await question
            except SourceUnavailable as error:
                return Seen(gaps=(Gap(source=source, reason=str(error)),))

    seen = await asyncio.gather(*(asked(question) for question in questions))
    changes: list[Change] = [change for one in seen for change in one.changes]
    gaps = dict.fromkeys(gap for one in seen for gap in one.gaps)
    return Seen(tuple(changes), tuple(gaps))


def version(ref: str | None, sha: str | None) -> str | None:
    """A tag is its own name; a branch says nothing of what runs, so the commit does."""
    tag = (ref or "").removeprefix("refs/tags/")
    if tag and tag != sha and any(char.isdigit() for char in tag) and "/" not in tag:
        return tag
    return sha[:7] if sha else tag or None
