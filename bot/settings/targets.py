"""Sections of the settings that say what actions may touch: named by the operator, and nothing else can be reached.

Credentials are named by variable, never written here: a process that does not act runs on the same file without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from bot.settings.section import Section

Patterns = Mapping[str, str]
"""Parameter → regular expression that it must match whole."""
NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.~-]*"
"""A name that is one segment of a path, and not dots alone."""
Graded = Literal["low", "medium", "high"]


class KubernetesCluster(Section):
    """One cluster whose workloads the catalogue names (`workload` of a service)."""

    api_url: str = Field(description="such as https://10.0.0.1:6443")
    token_env: str = Field(description="variable with the token of a service account that may do these things only")
    ca_file: str | None = Field(default=None, description="the cluster's certificate authority, PEM")
    namespaces: tuple[str, ...] = Field(default=(), description="namespaces that actions may touch; none: none")
    nodes: str | None = Field(
        default=None, description="regular expression for names of nodes that may be cordoned; not set: none"
    )
    timeout_s: float = Field(default=20, gt=0, le=120)


class AwxJob(Section):
    """One job template that may be launched."""

    template_id: int = Field(gt=0)
    variables: Patterns = Field(default_factory=dict, description="extra variable → pattern it must match whole")
    dry_run: bool = Field(default=False, description="launch it in check mode first; the template must allow that")
    risk: Graded = "medium"
    effect: str = Field(description="what the job does, one sentence, with {variables}")
    rollback: str = "irreversible"
    service: str | None = Field(default=None, description="catalogue name of the service that it touches")
    timeout_s: float = Field(default=300, gt=0, le=1800, description="without an end by then the outcome is unknown")


class AwxSettings(Section):
    """An AWX or Ansible Automation Controller."""

    url: str
    token_env: str = Field(description="variable with a token that may launch these templates only")
    jobs: Mapping[str, AwxJob] = Field(default_factory=dict)


class GithubWorkflow(Section):
    """One workflow with `workflow_dispatch` that may be started."""

    repository: str = Field(pattern=rf"^{NAME}/\.?{NAME}$", description="owner/name")
    workflow: str = Field(pattern=rf"^{NAME}\.ya?ml$", description="file name, such as rollback.yml")
    ref: str = Field(default="main", description="branch or tag whose workflow runs")
    inputs: Patterns = Field(default_factory=dict, description="input → pattern it must match whole")
    key_input: str | None = Field(
        default=None,
        description="an input that takes the proposal's id; a run that is named by it (`run-name`) is waited for",
    )
    timeout_s: float = Field(default=600, gt=0, le=1800, description="without an end by then the outcome is unknown")
    risk: Graded = "medium"
    effect: str = Field(description="what the workflow does, one sentence, with {inputs}")
    rollback: str = "irreversible"
    service: str | None = Field(default=None, description="catalogue name of the service that it touches")


class GithubSettings(Section):
    """GitHub Actions, or a GitHub Enterprise server."""

    url: str = "https://api.github.com"
    token_env: str = Field(description="variable with a token that may start these workflows only")
    workflows: Mapping[str, GithubWorkflow] = Field(default_factory=dict)


class FeatureFlag(Section):
    """One flag that may be turned on and off."""

    provider: Literal["launchdarkly", "unleash"]
    url: str = Field(description="base address of the provider's API")
    token_env: str = Field(description="variable with a token that may change this flag")
    project: str = Field(default="default", pattern=rf"^{NAME}$")
    environment: str = Field(pattern=rf"^{NAME}$")
    key: str = Field(pattern=rf"^{NAME}$", description="the flag's key at the provider")
    risk: Graded = "medium"
    service: str | None = Field(default=None, description="catalogue name of the service that reads it")
    timeout_s: float = Field(default=15, gt=0, le=120)


class RedisServer(Section):
    """One Redis whose configuration may be changed at run time."""

    url_env: str = Field(description="variable with its address and password")
    parameters: Patterns = Field(description="configuration parameter → pattern that its new value must match whole")
    risk: Graded = "medium"
    service: str | None = Field(default=None, description="catalogue name of the service that uses it")


class HttpCallTemplate(Section):
    """One HTTP request that `http.call` may make. Parameters fill path segments, the query and the JSON body only."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str = Field(description="such as https://ops.example.com/services/{service}/drain")
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    headers_env: Mapping[str, str] = Field(default_factory=dict, description="header → variable that holds its value")
    parameters: Patterns = Field(default_factory=dict, description="parameter → regular expression it must match whole")
    body: Mapping[str, Any] | None = None
    risk: Graded = "medium"
    effect: str = Field(description="what the call does, one sentence, with {parameters}")
    rollback: str = "irreversible"
    service: str | None = Field(default=None, description="catalogue name of the service that it touches")
    timeout_s: float = Field(default=15, gt=0, le=300)


class RestartTarget(Section):
    """One process that `process.restart` may restart: a systemd unit or an exact command vector."""

    unit: str | None = None
    command: tuple[str, ...] | None = None
    risk: Graded = "medium"
    service: str | None = None
    timeout_s: float = Field(default=60, gt=0, le=600)

    @model_validator(mode="after")
    def _one_way(self) -> RestartTarget:
        if (self.unit is None) == (self.command is None):
            raise ValueError("a restart target names either a systemd 'unit' or a 'command' vector")
        return self
