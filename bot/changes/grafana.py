"""Grafana: annotations with certain tags, which deploy jobs and people write.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import Field

from bot.changes.change import Change, Seen
from bot.changes.reading import Asked, Foreign, read, token_of
from bot.changes.words import kind_of, versions_in
from bot.http import HttpSource, Transport
from bot.models import Gap, Window
from bot.settings.changes import GrafanaSource
from bot.unanswered import ADVICE as USUAL

MOST = 500
SERVICE_TAGS = ("service:", "service=", "app:", "app=")
ADVICE = {
    **USUAL,
    401: "check the token of this source",
    403: "the service account needs the permission annotations:read",
    404: "is the address that of Grafana, with its path?",
}


class Annotation(Foreign):
    """A note at a moment."""

    id: int
    time: int
    text: str = ""
    tags: list[str] = Field(default_factory=list)
    login: str = ""
    dashboard: str | None = Field(default=None, alias="dashboardUID")


class Grafana(Asked):
    """Asks for the annotations of the span."""

    def __init__(self, name: str, settings: GrafanaSource, transport: Transport | None = None) -> None:
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
        """The tagged annotations of people and programs (`type=annotation` leaves out those of alerts)."""
        params = {"from": _ms(span.start), "to": _ms(span.end)}
        found = await self._annotations({**params, "limit": MOST})
        short = f"only the latest {MOST} annotations were read"
        gaps = (Gap(source=self.name, reason=short),) if len(found) >= MOST else ()
        return Seen(tuple(self._change(one, services) for one in found if self._is_change(one)), gaps)

    async def check(self) -> str:
        """Ask for one annotation.

        Raises:
            SourceUnavailable: they cannot be seen.
        """
        await self._annotations({"limit": 1})
        return f"annotations of {self._settings.url} with {', '.join(self._settings.tags)}"

    async def _annotations(self, params: dict[str, object]) -> list[Annotation]:
        asked = {**params, "type": "annotation", "tags": list(self._settings.tags), "matchAny": "true"}
        return read(list[Annotation], await self._http.get("api/annotations", asked), self.name)

    def _is_change(self, one: Annotation) -> bool:
        return bool(set(one.tags) & set(self._settings.tags))

    def _change(self, one: Annotation, services: Sequence[str]) -> Change:
        before, after = versions_in(one.text)
        where = f"/d/{one.dashboard}" if one.dashboard else ""
        return Change(
            source=self.name,
            kind=kind_of(" ".join([one.text, *one.tags])) or "other",
            what=one.text or ", ".join(one.tags),
            service=_service(one.tags, services),
            before=before,
            after=after,
            who=one.login or None,
            at=datetime.fromtimestamp(one.time / 1000, UTC),
            url=f"{self._settings.url}{where}" if where else None,
        )


def _service(tags: Sequence[str], services: Sequence[str]) -> str | None:
    """A tag that says so, else one that is a service's name."""
    for tag in tags:
        for prefix in SERVICE_TAGS:
            if tag.startswith(prefix):
                return tag.removeprefix(prefix).strip()
    return next((tag for tag in tags if tag in services), None)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
