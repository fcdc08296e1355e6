"""GitLab: deployments of projects, and which merge requests each one brought.

https://docs.gitlab.com/api/deployments/
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

from bot.changes.change import Change, Outcome, Seen
from bot.changes.deployments import DeploymentSource
from bot.changes.reading import Foreign, pages, read, token_of, version
from bot.errors import SourceUnavailable
from bot.http import HttpSource, Transport
from bot.models import Gap, Window
from bot.models.base import Instant
from bot.settings.changes import GitLabSource
from bot.unanswered import ADVICE as USUAL

A_PAGE, MOST_PAGES = 100, 3
CLOSELY = 5
"""Of so many deployments, the latest ones, the merge requests are asked for."""
ADVICE = {
    **USUAL,
    401: "check the token of this source",
    403: "the token needs the scope read_api, and its user the role Reporter",
    404: "there is no such project, or the token may not see it",
}
OUTCOMES: dict[str, Outcome] = {"success": "succeeded", "failed": "failed", "running": "started"}
"""Every other status (created, blocked, skipped, canceled) changed nothing."""


class User(Foreign):
    """Who deployed."""

    username: str = ""


class Environment(Foreign):
    """Where to."""

    name: str = ""


class Pipeline(Foreign):
    """What ran."""

    web_url: str | None = None


class Job(Foreign):
    """The job that deployed; a deployment that was made through the API has none."""

    started_at: Instant | None = None
    pipeline: Pipeline | None = None


class Deployment(Foreign):
    """One deployment."""

    id: int
    ref: str = ""
    sha: str
    status: str
    created_at: Instant
    user: User | None = None
    environment: Environment = Environment()
    deployable: Job | None = None


class MergeRequest(Foreign):
    """A merge request that came with it."""

    iid: int
    title: str = ""
    web_url: str | None = None


class GitLab(DeploymentSource):
    """Asks for the deployments of the configured projects."""

    def __init__(self, name: str, settings: GitLabSource, transport: Transport | None = None) -> None:
        headers = {"PRIVATE-TOKEN": settings.token.get_secret_value()} if settings.token else {}
        http = HttpSource(
            name,
            f"{settings.url}/api/v4",
            headers=headers,
            ca_file=settings.ca_file,
            set_by=token_of(name),
            advice=ADVICE,
            transport=transport,
        )
        super().__init__(name, http, repositories=settings.projects, environments=settings.environments)

    def _list(self, repository: str) -> str:
        return f"{_path(repository)}/deployments"

    async def _of(self, repository: str, service: str, environment: str | None, span: Window) -> Seen:
        listed, complete = await self._deployments(repository, environment, span)
        inside = [one for one in listed if span.start <= _at(one) < span.end]
        reasons = [] if complete else [f"only the latest {A_PAGE * MOST_PAGES} deployments of {repository} were read"]
        merged = await asyncio.gather(*(self._merged(repository, one, reasons) for one in inside[:CLOSELY]))
        none: list[tuple[MergeRequest, ...]] = [()] * max(0, len(inside) - CLOSELY)
        changes = [
            self._change(service, one, _before(one, listed), requests)
            for one, requests in zip(inside, [*merged, *none], strict=True)
        ]
        return Seen(tuple(changes), tuple(Gap(source=self.name, reason=reason) for reason in reasons))

    async def _deployments(
        self, repository: str, environment: str | None, span: Window
    ) -> tuple[list[Deployment], bool]:
        """Those that had an effect, newest first, down to the last one before the span; and whether it was reached."""
        params = {"order_by": "created_at", "sort": "desc", "per_page": A_PAGE}
        params |= {"environment": environment} if environment else {}
        listed: list[Deployment] = []
        counted = 0
        async for body in pages(self._http, self._list(repository), params, MOST_PAGES):
            page = read(list[Deployment], body, self.name)
            counted += len(page)
            listed += [one for one in page if one.status in OUTCOMES]
            if any(one.created_at < span.start for one in listed):
                return listed, True
        return listed, counted < A_PAGE * MOST_PAGES

    async def _merged(self, repository: str, one: Deployment, reasons: list[str]) -> tuple[MergeRequest, ...]:
        path = f"{_path(repository)}/deployments/{one.id}/merge_requests"
        try:
            return read(tuple[MergeRequest, ...], await self._http.get(path, {"per_page": 20}), self.name)
        except SourceUnavailable as error:
            reasons.append(f"the merge requests of a deployment of {repository}: {error}")
            return ()

    def _change(
        self, service: str, one: Deployment, before: Deployment | None, merged: Sequence[MergeRequest]
    ) -> Change:
        pipeline = one.deployable.pipeline if one.deployable else None
        links = [pipeline.web_url if pipeline else None, *(request.web_url for request in merged)]
        return Change(
            source=self.name,
            what=service,
            service=service,
            before=version(before.ref, before.sha) if before else None,
            after=version(one.ref, one.sha),
            who=one.user.username if one.user else None,
            at=_at(one),
            outcome=OUTCOMES[one.status],
            url=next(filter(None, links), None),
            details=tuple(f"!{request.iid} {request.title}" for request in merged),
        )


def _path(project: str) -> str:
    return f"projects/{quote(project, safe='')}"


def _at(one: Deployment) -> Instant:
    """When the job began: a manual deployment may have been created hours before."""
    return (one.deployable.started_at if one.deployable else None) or one.created_at


def _before(one: Deployment, listed: Sequence[Deployment]) -> Deployment | None:
    """What ran in that environment until then: the last success with another commit."""
    older = (
        other for other in listed
        if other.created_at < one.created_at and other.environment == one.environment and other.status == "success"
    )  # fmt: skip
    return next((other for other in older if other.sha != one.sha), None)
