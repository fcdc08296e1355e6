"""Argo CD: what applications were synced to, syncs that failed, and what is out of sync now.

https://argo-cd.readthedocs.io/en/stable/developer-guide/api-docs/ · the Application resource: `status.history`,
`status.operationState`, `status.sync`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import quote

from pydantic import Field

from bot.changes.change import Change, Seen
from bot.changes.reading import Asked, Foreign, read, token_of
from bot.http import HttpSource, Transport
from bot.models import Gap, Window
from bot.models.base import Instant
from bot.settings.changes import ArgoCDSource
from bot.unanswered import ADVICE as USUAL

FIELDS = "items.metadata.name,items.status.history,items.status.sync.status,items.status.operationState"
ADVICE = {
    **USUAL,
    401: "check the token of this source; it may have run out",
    403: "the account needs the permission applications, get",
    404: "is the address that of Argo CD's server?",
}
BROKEN = {"Failed", "Error"}


class Initiator(Foreign):
    """Who asked for it."""

    username: str = ""
    automated: bool = False


class Origin(Foreign):
    """Where the manifests are from."""

    target: str = Field(default="", alias="targetRevision")


class Entry(Foreign):
    """One finished sync."""

    id: int
    revision: str = ""
    revisions: list[str] = Field(default_factory=list)
    began_at: Instant | None = Field(default=None, alias="deployStartedAt")
    deployed_at: Instant = Field(alias="deployedAt")
    initiator: Initiator = Field(default=Initiator(), alias="initiatedBy")
    source: Origin = Origin()


class Operation(Foreign):
    """What the last operation was asked by."""

    initiator: Initiator = Field(default=Initiator(), alias="initiatedBy")


class Result(Foreign):
    """What it synced to."""

    revision: str = ""


class State(Foreign):
    """The last operation."""

    phase: str = ""
    message: str = ""
    began_at: Instant | None = Field(default=None, alias="startedAt")
    operation: Operation = Operation()
    result: Result | None = Field(default=None, alias="syncResult")


class Sync(Foreign):
    """Whether what runs is what was asked for."""

    status: str = "Unknown"


class Standing(Foreign):
    """An application's state."""

    history: list[Entry] = Field(default_factory=list)
    sync: Sync = Sync()
    operation: State | None = Field(default=None, alias="operationState")


class Metadata(Foreign):
    """Its name."""

    name: str


class Application(Foreign):
    """One application."""

    metadata: Metadata
    status: Standing = Standing()


class Applications(Foreign):
    """The list; without any application it says null."""

    items: list[Application] | None = None


class ArgoCD(Asked):
    """Asks for all applications at once."""

    def __init__(self, name: str, settings: ArgoCDSource, transport: Transport | None = None) -> None:
        self._settings = settings
        headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
        http = HttpSource(
            name,
            settings.url,
            headers=headers,
            ca_file=settings.ca_file,
            set_by=token_of(name),
            advice=ADVICE,
            transport=transport,
        )
        super().__init__(name, http)

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:
        """Syncs of the applications; one that is out of sync is told as a gap, since nobody says since when."""
        known = await self._applications()
        changes = [change for one in known for change in self._told(one) if span.start <= change.at < span.end]
        return Seen(tuple(changes), tuple(self._drifts(known, services)))

    async def check(self) -> str:
        """Count the applications.

        Raises:
            SourceUnavailable: they cannot be seen.
        """
        return f"{len(await self._applications())} applications of {self._settings.url}"

    async def _applications(self) -> list[Application]:
        body = await self._http.get("api/v1/applications", {"fields": FIELDS})
        named = self._settings.applications
        items = read(Applications, body, self.name).items or []
        return [one for one in items if not named or one.metadata.name in named]

    def _told(self, one: Application) -> Iterator[Change]:
        history = sorted(one.status.history, key=lambda entry: entry.id)
        for before, entry in pairwise([None, *history]):
            assert entry is not None
            if before is None or _revision(before) != _revision(entry):
                yield self._change(
                    one, entry.began_at or entry.deployed_at, _who(entry.initiator), after=_revision(entry),
                    before=_revision(before) if before else None,
                )  # fmt: skip
        state = one.status.operation
        if state and state.phase in BROKEN and state.began_at:
            last = _revision(history[-1]) if history else None
            failed = self._change(
                one, state.began_at, _who(state.operation.initiator), before=last,
                after=_short(state.result.revision) if state.result else None,
            )  # fmt: skip
            yield failed.but(outcome="failed", details=(state.message,))

    def _change(
        self, one: Application, at: Instant, who: str | None, *, before: str | None, after: str | None
    ) -> Change:
        name = one.metadata.name
        return Change(
            source=self.name,
            what=f"application {name}",
            service=self._service(one),
            before=before,
            after=after,
            who=who,
            at=at,
            url=f"{self._settings.url}/applications/{quote(name, safe='')}",
        )

    def _drifts(self, known: Sequence[Application], services: Sequence[str]) -> Iterator[Gap]:
        for one in known:
            if one.status.sync.status == "OutOfSync" and self._service(one) in services:
                reason = (
                    f"{one.metadata.name} is out of sync: something was changed past Argo CD, or waits to be synced"
                )
                yield Gap(source=self.name, reason=reason)

    def _service(self, one: Application) -> str:
        return self._settings.applications.get(one.metadata.name, one.metadata.name)


def _revision(entry: Entry) -> str | None:
    """The tag or chart version that was asked for, else the commits."""
    target = entry.source.target
    if entry.revision and entry.revision != target:
        tagged = any(char.isdigit() for char in target) and "." in target
        return target if tagged else _short(entry.revision)
    return entry.revision or "+".join(filter(None, map(_short, entry.revisions))) or None


def _short(revision: str) -> str | None:
    """A commit by its first seven characters; a chart's version as it is."""
    return (revision[:7] if len(revision) == 40 else revision) or None


def _who(initiator: Initiator) -> str | None:
    return initiator.username or ("automated sync" if initiator.automated else None)
