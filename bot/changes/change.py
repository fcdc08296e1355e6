"""The noun of this room, and what a place that knows of changes has to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BeforeValidator, Field

from bot.models import Gap, Window
from bot.models.base import Instant, Noun

ChangeKind = Literal["deploy", "rollback", "restart", "config", "migration", "flag", "scale", "infrastructure", "other"]
Outcome = Literal["started", "succeeded", "failed"]
LONGEST = 200
"""Characters of one field: what was changed is named, not quoted."""
MOST_DETAILS = 5


def _short(text: object) -> object:
    """One line without control characters, of bounded length; nothing is None."""
    if not isinstance(text, str):
        return text
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return (line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") or None


def _link(url: str | None) -> str | None:
    """A person presses it, so it is a web address or nothing."""
    return url if url and url.startswith(("https://", "http://")) and " " not in url and len(url) <= 2000 else None


def _details(lines: object) -> object:
    """The first few that say anything."""
    if not isinstance(lines, list | tuple):
        return lines
    return tuple(line for line in lines if _short(line) is not None)[:MOST_DETAILS]


Line = Annotated[str, BeforeValidator(_short)]
MaybeLine = Annotated[str | None, BeforeValidator(_short)]
Link = Annotated[str | None, AfterValidator(_link)]


class Change(Noun):
    """Something that is otherwise since a moment, because somebody wanted it so."""

    source: Line = Field(description="the configured source that tells it")
    kind: ChangeKind = "deploy"
    what: Line = Field(description="what was changed, in a few words, such as checkout or ConfigMap shop-env")
    service: MaybeLine = Field(default=None, description="as the source names it: a catalogue name or an alias")
    before: MaybeLine = Field(default=None, description="the version before")
    after: MaybeLine = Field(default=None, description="the version since")
    who: MaybeLine = None
    at: Instant = Field(description="when it began to have an effect")
    outcome: Outcome = "succeeded"
    url: Link = None
    details: Annotated[tuple[Line, ...], BeforeValidator(_details)] = Field(
        default=(), description="titles of the commits or merge requests, keys, notes"
    )

    def but(self, **fields: Any) -> Change:
        """The same with other fields, which are as bounded as those of any change."""
        return Change.model_validate(self.model_dump() | fields)


@dataclass(frozen=True)
class Seen:
    """One answer."""

    changes: tuple[Change, ...] = ()
    gaps: tuple[Gap, ...] = ()


class ChangeSource(Protocol):
    """A place that knows of changes."""

    @property
    def name(self) -> str:
        """As it is configured."""
        ...

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:
        """What was changed in the span.

        Args:
            services: the catalogue names that are of interest, nearest first; none: all.

        Raises:
            SourceUnavailable: nothing could be learnt; what failed in part is a gap of the answer.
        """
        ...

    async def check(self) -> str:
        """For the doctor: what can be seen, in a few words.

        Raises:
            SourceUnavailable: nothing, and what to do about it.
        """
        ...
