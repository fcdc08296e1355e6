"""Start one of the GitHub Actions workflows that the settings name, such as the one that rolls a release back.

The order to start it is answered without the run that it becomes. A workflow that takes the proposal's id (`key_input`)
and is named by it (`run-name`) is found again by that name, and its conclusion is waited for.

https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import Field, SecretStr

from bot.catalog import Catalog
from bot.errors import EffectUnknown, Misconfigured, PreconditionFailed, RemediationError, SourceUnavailable
from bot.http import Transport
from bot.models import Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.reach import reach
from bot.remediation.target import HttpTarget
from bot.remediation.values import Value, filled, marked, require_match, unreadable
from bot.settings.targets import GithubSettings, GithubWorkflow

TIMEOUT_S = 15.0
POLL_S = 5.0
EXPRESSIONS = ("${{",)
RUNS_LOOKED_AT = 50
DONE_WELL = frozenset({"success", "neutral"})


class WorkflowParameters(ActionParameters):
    """Which of the named workflows, and its inputs."""

    workflow: str = Field(min_length=1, max_length=100, description="name in remediation.github.workflows")
    inputs: Mapping[str, Value] = Field(default_factory=dict, max_length=10)


class DispatchWorkflow(Action[WorkflowParameters]):
    """Start one named workflow.

    Raises:
        Misconfigured: a pattern that cannot be read.
    """

    name = "github.dispatch_workflow"
    summary = "Start one GitHub Actions workflow that the settings name."
    parameters = WorkflowParameters

    def __init__(
        self,
        catalog: Catalog,
        settings: GithubSettings,
        token: SecretStr,
        transport: Transport | None = None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        for name, workflow in settings.workflows.items():
            if problem := next(unreadable(workflow.inputs), None):
                raise Misconfigured(f"NIGHTDESK_REMEDIATION__GITHUB: the workflow '{name}' {problem}.")
        self._catalog = catalog
        self._workflows = settings.workflows
        self._github = HttpTarget(
            "GitHub",
            settings.url,
            authorization=f"Bearer {token.get_secret_value()}",
            timeout_s=TIMEOUT_S,
            transport=transport,
        )
        self._pause = pause

    def accept(self, given: Mapping[str, Any]) -> WorkflowParameters:
        params = super().accept(given)
        if params.workflow not in self._workflows:
            known = ", ".join(sorted(self._workflows))
            raise RemediationError(f"'{params.workflow}' is not a workflow here. There are: {known}.")
        require_match("The workflow", self._workflows[params.workflow].inputs, params.inputs)
        if found := next(marked(params.inputs, EXPRESSIONS), None):
            raise RemediationError(f"'{found}' holds an expression, which GitHub Actions might evaluate.")
        return params

    def target(self, params: WorkflowParameters) -> str:
        workflow = self._of(params)
        given = ", ".join(f"{name}={value}" for name, value in sorted(params.inputs.items()))
        what = f"workflow {workflow.workflow} of {workflow.repository} at {workflow.ref}"
        return f"{what} ({given})" if given else what

    def effect(self, params: WorkflowParameters) -> str:
        return filled(self._of(params).effect, params.inputs)

    async def blast_radius(self, params: WorkflowParameters) -> BlastRadius:
        service = self.service(params)
        unnamed = f"No service of the catalogue is named for '{params.workflow}'."
        return reach(self._catalog, service, f"The workflow acts on {service}", unnamed=unnamed)

    def service(self, params: WorkflowParameters) -> str | None:
        return self._of(params).service

    def reversible(self, params: WorkflowParameters) -> bool:
        return self._of(params).rollback != "irreversible"

    def rollback(self, params: WorkflowParameters) -> str:
        return filled(self._of(params).rollback, params.inputs) if self.reversible(params) else "Cannot be undone."

    def made_of(self, params: WorkflowParameters) -> object:
        return self._of(params)

    def base_risk(self, params: WorkflowParameters) -> Risk:
        return Risk(self._of(params).risk)

    def timeout_s(self, params: WorkflowParameters) -> float:
        workflow = self._of(params)
        return TIMEOUT_S + 5 + (workflow.timeout_s if workflow.key_input else 0)

    async def check(self, params: WorkflowParameters) -> None:
        try:
            about = await self._github.read(_path(self._of(params)))
        except SourceUnavailable as error:
            raise PreconditionFailed(f"Nothing was started: {error}") from None
        if about.get("state") != "active":
            raise PreconditionFailed(f"Nothing was started: the workflow is {about.get('state')}, not active.")

    async def perform(self, params: WorkflowParameters, idempotency_key: str) -> str:
        workflow = self._of(params)
        inputs = {name: str(value) for name, value in params.inputs.items()}
        if workflow.key_input:
            inputs[workflow.key_input] = idempotency_key
        body = {"ref": workflow.ref, "inputs": inputs}
        await self._github.change("POST", f"{_path(workflow)}/dispatches", body)
        if not workflow.key_input:
            return f"GitHub took the order to run {workflow.workflow} of {workflow.repository}; it is not waited for."
        run = await self._ended(workflow, idempotency_key)
        where = f"Run {run.get('run_number')} of {workflow.workflow} in {workflow.repository}"
        if run.get("conclusion") not in DONE_WELL:
            # a workflow that fails half-way has done its first half
            raise EffectUnknown(f"{where} ended as {run.get('conclusion')}; what it did before that stays done.")
        return f"{where} was successful."

    async def _ended(self, workflow: GithubWorkflow, key: str) -> Mapping[str, Any]:
        """The run of that order, when it is over.

        Raises:
            EffectUnknown: it was not over in time, or no run is named by the order.
        """
        seen = False
        try:
            async with asyncio.timeout(workflow.timeout_s):
                while True:
                    run = await self._run(workflow, key)
                    if run is not None and run.get("status") == "completed":
                        return run
                    seen = seen or run is not None
                    await self._pause(POLL_S)
        except TimeoutError:
            missing = (
                "" if seen else f" No run is named by it: give the workflow a `run-name` with {workflow.key_input}."
            )
            raise EffectUnknown(
                f"GitHub took the order, and no run of it ended within {workflow.timeout_s:g} s.{missing}"
            ) from None

    async def _run(self, workflow: GithubWorkflow, key: str) -> Mapping[str, Any] | None:
        """The run whose name holds the key as a word; None where there is none yet, or GitHub does not say."""
        asked = {"event": "workflow_dispatch", "per_page": RUNS_LOOKED_AT}
        try:
            listed = await self._github.read(f"{_path(workflow)}/runs", asked)
        except SourceUnavailable:
            return None  # asked again until the run's time is over
        runs = listed.get("workflow_runs") if isinstance(listed, Mapping) else None
        named = (run for run in runs or () if isinstance(run, Mapping))
        return next((run for run in named if key in re.split(r"[^\w.-]+", str(run.get("display_title")))), None)

    def _of(self, params: WorkflowParameters) -> GithubWorkflow:
        return self._workflows[params.workflow]


def _path(workflow: GithubWorkflow) -> str:
    return f"/repos/{quote(workflow.repository)}/actions/workflows/{quote(workflow.workflow)}"
