"""GitHub: deployments of repositories, when each took effect, and which commits it brought.

https://docs.github.com/en/rest/deployments/deployments · …/deployments/statuses · …/commits/commits#compare-two-commits
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import Field

from bot.changes.change import Change, Outcome, Seen
from bot.changes.deployments import DeploymentSource
from bot.changes.reading import Foreign, pages, read, token_of, version
from bot.errors import SourceUnavailable
from bot.http import HttpSource, Transport
from bot.models import Gap, Window
from bot.models.base import Instant
from bot.settings.changes import GitHubSource
from bot.unanswered import ADVICE as USUAL

API_VERSION = "2022-11-28"
A_PAGE, MOST_PAGES = 100, 3
CLOSELY = 5
"""Of so many deployments, the latest ones, the course and the commits are asked for."""
ADVICE = {
    **USUAL,
    401: "check the token of this source",
    403: "the token needs to read deployments and contents of the repository, or its limit is used up",
    404: "there is no such repository, or the token may not see it",
}
_MERGED = re.compile(r"Merge pull request #(\d+) from \S+\s*(.*)", re.DOTALL)


class Account(Foreign):
    """A person or a robot."""

    login: str
    type: str = "User"


class Deployment(Foreign):
    """Something that was to be deployed."""

    id: int
    sha: str
    ref: str
    environment: str = ""
    creator: Account | None = None
    created_at: Instant
    url: str | None = None


class Status(Foreign):
    """A step of its course."""

    state: str
    created_at: Instant
    log_url: str | None = None


class Message(Foreign):
    """What a commit says."""

    message: str


class Commit(Foreign):
    """One commit between two deployments."""

    commit: Message
    author: Account | None = None


class Comparison(Foreign):
    """What lies between two commits."""

    html_url: str | None = None
    total_commits: int = 0
    commits: list[Commit] = Field(default_factory=list)


class GitHub(DeploymentSource):
    """Asks for the deployments of the configured repositories."""

    def __init__(self, name: str, settings: GitHubSource, transport: Transport | None = None) -> None:
        token = settings.token.get_secret_value() if settings.token else None
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        http = HttpSource(
            name,
            settings.url,
            headers=headers,
            ca_file=settings.ca_file,
            set_by=token_of(name),
            advice=ADVICE,
            transport=transport,
        )
        super().__init__(name, http, repositories=settings.repositories, environments=settings.environments)

    def _list(self, repository: str) -> str:
        return f"repos/{repository}/deployments"

    async def _of(self, repository: str, service: str, environment: str | None, span: Window) -> Seen:
        listed, complete = await self._deployments(repository, environment, span)
        inside = [one for one in listed if span.start <= one.created_at < span.end]
        looked = await asyncio.gather(
            *(
                self._looked_at(repository, service, one, _before(one, listed), closely=place < CLOSELY)
                for place, one in enumerate(inside)
            )
        )
        reasons = [] if complete else [f"only the latest {len(listed)} deployments of {repository} were read"]
        reasons += [reason for _, reason in looked if reason]
        gaps = tuple(Gap(source=self.name, reason=reason) for reason in reasons)
        return Seen(tuple(change for change, _ in looked), gaps)

    async def _looked_at(
        self, repository: str, service: str, one: Deployment, before: Deployment | None, *, closely: bool
    ) -> tuple[Change, str]:
        """The deployment as closely as can be, and what of it could not be read."""
        try:
            if closely:
                return await self._closely(repository, service, one, before), ""
        except SourceUnavailable as error:
            reason = f"the course and the commits of a deployment of {repository}: {error}"
            return _told(self.name, service, one, before), reason
        return _told(self.name, service, one, before), ""

    async def _deployments(
        self, repository: str, environment: str | None, span: Window
    ) -> tuple[list[Deployment], bool]:
        """Newest first, down to the last one before the span; and whether that was reached."""
        params = {"per_page": A_PAGE} | ({"environment": environment} if environment else {})
        listed: list[Deployment] = []
        pages_read = 0
        async for body in pages(self._http, self._list(repository), params, MOST_PAGES):
            listed += read(list[Deployment], body, self.name)
            pages_read += 1
            if any(one.created_at < span.start for one in listed):
                return listed, True
        return listed, pages_read < MOST_PAGES or len(listed) < A_PAGE * MOST_PAGES

    async def _closely(self, repository: str, service: str, one: Deployment, before: Deployment | None) -> Change:
        path = f"repos/{repository}/deployments/{one.id}/statuses"
        statuses = read(list[Status], await self._http.get(path, {"per_page": 30}), self.name)
        change = _told(self.name, service, one, before, statuses)
        if before is None or not one.creator:
            return change
        compared = await self._http.get(f"repos/{repository}/compare/{before.sha}...{one.sha}", {"per_page": 30})
        comparison = read(Comparison, compared, self.name)
        return change.but(
            who=_author(one.creator, comparison),
            details=tuple(_titles(comparison)),
            url=change.url or comparison.html_url,
        )


def _told(
    source: str, service: str, one: Deployment, before: Deployment | None, statuses: Sequence[Status] = ()
) -> Change:
    return Change(
        source=source,
        what=service,
        service=service,
        before=version(before.ref, before.sha) if before else None,
        after=version(one.ref, one.sha),
        who=one.creator.login if one.creator else None,
        at=_effective(one, statuses),
        outcome=_outcome(statuses),
        url=next((status.log_url for status in statuses if status.log_url), None),
    )


def _before(one: Deployment, listed: Sequence[Deployment]) -> Deployment | None:
    """What ran in that environment until then."""
    older = [other for other in listed if other.created_at < one.created_at and other.environment == one.environment]
    return next((other for other in older if other.sha != one.sha), None)


def _effective(one: Deployment, statuses: Sequence[Status]) -> datetime:
    """When it began to run: a deployment may have waited for an approval for hours."""
    begun = [status.created_at for status in statuses if status.state in {"in_progress", "success", "failure", "error"}]
    return min(begun, default=one.created_at)


def _outcome(statuses: Sequence[Status]) -> Outcome:
    """`inactive` is said of a success that another one has replaced."""
    states = {status.state for status in statuses}
    if states & {"failure", "error"} and "success" not in states:
        return "failed"
    return "started" if states and not states & {"success", "inactive"} else "succeeded"


def _author(creator: Account, comparison: Comparison) -> str:
    """A robot deploys what a person wrote."""
    if creator.type != "Bot":
        return creator.login
    authors = [commit.author.login for commit in comparison.commits if commit.author and commit.author.type != "Bot"]
    return f"{authors[-1]} through {creator.login}" if authors else creator.login


def _titles(comparison: Comparison) -> Iterator[str]:
    """Latest first: the titles of merged pull requests where there are any, else of commits."""
    messages = [commit.commit.message for commit in reversed(comparison.commits)]
    merged = [f"#{found[1]} {found[2].strip().splitlines()[0]}" for message in messages
              if (found := _MERGED.match(message)) and found[2].strip()]  # fmt: skip
    yield from merged or [message.splitlines()[0] for message in messages if message.strip()]
