"""What hosts of code share: deployments are asked for repository by repository, environment by environment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from bot.changes.change import Seen
from bot.changes.reading import Asked, together
from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Window


class DeploymentSource(Asked, ABC):
    """Base of the sources that know deployments of repositories.

    Args:
        repositories: the host's own name → catalogue name of the service that is deployed from it.
        environments: those that count; none: all.
    """

    def __init__(
        self,
        name: str,
        http: HttpSource,
        *,
        repositories: Mapping[str, str],
        environments: Sequence[str],
    ) -> None:
        super().__init__(name, http)
        self._repositories = repositories
        self._environments = environments

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:
        """Deployments of the repositories of these services; one that cannot be read is a gap."""
        questions = (
            self._of(repository, service, environment, span)
            for repository, service in self._repositories.items()
            if not services or service in services
            for environment in self._environments or (None,)
        )
        return await together(self.name, questions)

    async def check(self) -> str:
        """Ask each repository for one deployment.

        Raises:
            SourceUnavailable: one of them cannot be seen.
        """
        for repository in self._repositories:
            try:
                await self._http.get(self._list(repository), {"per_page": 1})
            except SourceUnavailable as error:
                raise SourceUnavailable(f"{repository}: {error}") from None
        return f"deployments of {', '.join(self._repositories)}"

    @abstractmethod
    def _list(self, repository: str) -> str:
        """The path of the repository's deployments."""

    @abstractmethod
    async def _of(self, repository: str, service: str, environment: str | None, span: Window) -> Seen:
        """The deployments of one repository to one environment in the span."""
