"""From the settings to the sources that are asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from bot.changes.argocd import ArgoCD
from bot.changes.change import ChangeSource
from bot.changes.github import GitHub
from bot.changes.gitlab import GitLab
from bot.changes.grafana import Grafana
from bot.changes.kubernetes import Kubernetes
from bot.settings.changes import (
    ArgoCDSource,
    ConfiguredSource,
    GitHubSource,
    GitLabSource,
    GrafanaSource,
    KubernetesSource,
)

Client = GitHub | GitLab | Kubernetes | ArgoCD | Grafana


def client(name: str, settings: ConfiguredSource) -> Client:
    """The client of one configured source."""
    match settings:
        case GitHubSource():
            return GitHub(name, settings)
        case GitLabSource():
            return GitLab(name, settings)
        case KubernetesSource():
            return Kubernetes(name, settings)
        case ArgoCDSource():
            return ArgoCD(name, settings)
        case GrafanaSource():
            return Grafana(name, settings)


@asynccontextmanager
async def opened(configured: Mapping[str, ConfiguredSource]) -> AsyncIterator[tuple[ChangeSource, ...]]:
    """All configured sources, closed when the block ends."""
    async with AsyncExitStack() as stack:
        found: list[ChangeSource] = []
        for name, settings in configured.items():
            found.append(await stack.enter_async_context(client(name, settings)))
        yield tuple(found)
