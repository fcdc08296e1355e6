"""The sections of the settings that name the places which know of changes; one class a kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from bot.settings.section import Section
from bot.settings.sources import SERVICE_ACCOUNT

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_ADDRESS = re.compile(r"https?://[^\s?#]+")


def _address(url: str) -> str:
    if not _ADDRESS.fullmatch(url):
        raise ValueError("give an address such as https://host/path, without a query")
    return url.rstrip("/")


def _repositories(named: Mapping[str, str]) -> Mapping[str, str]:
    if wrong := [name for name in named if not _REPOSITORY.fullmatch(name)]:
        raise ValueError(f"a repository is named 'owner/name', not {wrong[0]!r}")
    return named


def _from_variable(value: object) -> object:
    """In an environment variable a list or a mapping is written as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("write it as JSON, a list in [...] or a mapping in {...}") from None


Address = Annotated[str, AfterValidator(_address)]
Names = Annotated[tuple[str, ...], BeforeValidator(_from_variable)]
Services = Annotated[Mapping[str, str], BeforeValidator(_from_variable)]
"""A source's own name → catalogue name."""


class _Source(Section):
    ca_file: Path | None = Field(default=None, description="certificates to trust; none: the machine's")


class GitHubSource(_Source):
    """GitHub: deployments of repositories, with the commits that each one brought."""

    kind: Literal["github"]
    url: Address = "https://api.github.com"
    token: SecretStr | None = Field(default=None, description="reads deployments and contents")
    repositories: Annotated[Services, AfterValidator(_repositories), Field(min_length=1)] = Field(
        description="owner/name → catalogue name of the service that is deployed from it"
    )
    environments: Names = Field(default=("production",), description="none: all")


class GitLabSource(_Source):
    """GitLab: deployments of projects, with the merge requests that each one brought."""

    kind: Literal["gitlab"]
    url: Address = "https://gitlab.com"
    token: SecretStr | None = Field(default=None, description="scope read_api")
    projects: Annotated[Services, Field(min_length=1)] = Field(
        description="path or number → catalogue name of the service that is deployed from it"
    )
    environments: Names = Field(default=("production",), description="none: all")


class KubernetesSource(_Source):
    """Kubernetes: revisions of workloads, scaling, and when ConfigMaps were written. In a pod all is there already."""

    kind: Literal["kubernetes"]
    url: Address = "https://kubernetes.default.svc"
    token: SecretStr | None = Field(default=None, description="none: that of the pod's service account")
    token_file: Path = SERVICE_ACCOUNT / "token"
    namespaces: Annotated[Names, Field(min_length=1)] = ("default",)
    services: Services = Field(
        default_factory=dict, description="workload → catalogue name, where labels and names do not tell"
    )


class ArgoCDSource(_Source):
    """Argo CD: the history of applications, failed syncs, and what is out of sync."""

    kind: Literal["argocd"]
    url: Address
    token: SecretStr | None = Field(default=None, description="of an account with applications, get")
    applications: Services = Field(
        default_factory=dict, description="application → catalogue name; none: all, by their own names"
    )


class GrafanaSource(_Source):
    """Grafana: annotations with certain tags."""

    kind: Literal["grafana"]
    url: Address
    token: SecretStr | None = Field(default=None, description="of a service account that reads annotations")
    tags: Annotated[Names, Field(min_length=1)] = Field(
        default=("deploy", "deployment", "release", "config"), description="an annotation with any of them is a change"
    )


ConfiguredSource = Annotated[
    GitHubSource | GitLabSource | KubernetesSource | ArgoCDSource | GrafanaSource, Field(discriminator="kind")
]
