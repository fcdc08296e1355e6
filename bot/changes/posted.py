"""What CI may post: one change, or several in a list, each in the words of this page alone."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.alerts.decode import decode
from bot.alerts.moment import as_moment
from bot.changes.change import Change, ChangeKind, Outcome
from bot.errors import BadInput
from bot.models.base import Instant

MOST = 100
"""Changes in one request."""
AHEAD = timedelta(minutes=5)
"""How far another machine's clock may be ahead."""
SHOWN_PROBLEMS = 5


def _moment(value: object) -> datetime | None:
    moment = as_moment(value)
    if value is not None and moment is None:
        raise ValueError("give the moment as ISO 8601 text, such as 2026-05-01T02:51:00Z, or as Unix seconds")
    return moment


class PostedChange(BaseModel):
    """One change as it is posted. A name that is not here is refused: it would be a detail that nobody ever sees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str = Field(min_length=1, max_length=200, description="catalogue name or alias")
    kind: ChangeKind = "deploy"
    what: str | None = Field(default=None, max_length=500, description="what was changed; none: the service")
    before: str | None = Field(default=None, alias="from", max_length=200, description="the version until then")
    after: str | None = Field(default=None, alias="to", max_length=200, description="the version since")
    who: str | None = Field(default=None, max_length=200)
    at: Annotated[Instant | None, BeforeValidator(_moment)] = Field(default=None, description="none: now")
    outcome: Outcome = "succeeded"
    url: str | None = Field(default=None, max_length=2000)
    details: tuple[Annotated[str, Field(max_length=500)], ...] = Field(default=(), max_length=20)
    id: str | None = Field(
        default=None, min_length=1, max_length=200, description="the same id again replaces what was posted"
    )

    @model_validator(mode="after")
    def _links(self) -> PostedChange:
        if self.url and not self.url.startswith(("https://", "http://")):
            raise ValueError("url must begin with https:// or http://")
        return self


def posted(body: bytes, source: str, now: datetime, kept: timedelta) -> list[tuple[str, Change]]:
    """Each change of a body with its id.

    Raises:
        BadInput: the body is not JSON, a field does not fit, or a moment is in the future or longer ago than is kept.
    """
    value = decode(body)
    entries = value if isinstance(value, list) else [value]
    if not entries or len(entries) > MOST:
        raise BadInput(f"The body holds {len(entries)} changes: send one object, or a list of 1 to {MOST}.")
    return [_accepted(entry, place, source, now, kept) for place, entry in enumerate(entries)]


def _accepted(entry: object, place: int, source: str, now: datetime, kept: timedelta) -> tuple[str, Change]:
    try:
        said = PostedChange.model_validate(entry)
        at = said.at or now
        if at > now + AHEAD:
            raise BadInput(f"Change {place + 1}: 'at' is in the future ({at.isoformat()}): check the sender's clock.")
        change = Change(
            source=source, kind=said.kind, what=said.what or said.service, service=said.service, before=said.before,
            after=said.after, who=said.who, at=min(at, now), outcome=said.outcome, url=said.url, details=said.details,
        )  # fmt: skip
    except ValidationError as error:
        raise BadInput(f"Change {place + 1}: {_explain(error)}.") from None
    if change.at < now - kept:
        raise BadInput(f"Change {place + 1}: 'at' is longer ago than changes are kept ({kept.days} days).")
    return _id(said, change), change


def _id(said: PostedChange, change: Change) -> str:
    """The sender's own; else made from what is said, so that a retry is no second change."""
    if said.id:
        return f"{said.service.casefold()}:{said.id}"
    moment = change.at.isoformat() if said.at else change.at.strftime("%Y-%m-%dT%H:%M")
    told = "|".join(
        map(str, (said.service.casefold(), said.kind, said.what, said.before, said.after, said.who, moment))
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _explain(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    said = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'the body'}: "
        f"{problem['msg'].removeprefix('Value error, ')}"
        for problem in problems[:SHOWN_PROBLEMS]
    ]
    return "; ".join(said)
