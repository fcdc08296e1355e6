"""Launch one of the AWX (or Ansible Automation Controller) job templates that the settings name, and wait for its end.

https://docs.ansible.com/automation-controller/latest/html/controllerapi/
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import Field, SecretStr

from bot.catalog import Catalog
from bot.errors import (
    EffectFailed,
    EffectUnknown,
    Misconfigured,
    PreconditionFailed,
    RemediationError,
    SourceUnavailable,
)
from bot.http import Transport
from bot.models import Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.reach import reach
from bot.remediation.target import HttpTarget
from bot.remediation.values import Value, filled, marked, require_match, unreadable
from bot.settings.targets import AwxJob, AwxSettings

UNDER_WAY = frozenset({"new", "pending", "waiting", "running"})
POLL_S = 2.0
TEMPLATES = ("{{", "{%", "{#")
"""Jinja begins so; Ansible evaluates it in variables wherever they are used, and a lookup in it runs programs."""


class JobParameters(ActionParameters):
    """Which of the named jobs, and its variables."""

    job: str = Field(min_length=1, max_length=100, description="name in the settings, remediation.awx.jobs")
    variables: Mapping[str, Value] = Field(default_factory=dict, max_length=20)


class LaunchJob(Action[JobParameters]):
    """Launch one named job template.

    Raises:
        Misconfigured: a pattern that cannot be read.
    """

    name = "awx.launch_job"
    summary = "Launch one AWX or Ansible job that the settings name, and wait for its end."
    parameters = JobParameters

    def __init__(
        self,
        catalog: Catalog,
        settings: AwxSettings,
        token: SecretStr,
        transport: Transport | None = None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        for name, job in settings.jobs.items():
            if problem := next(unreadable(job.variables), None):
                raise Misconfigured(f"NIGHTDESK_REMEDIATION__AWX: the job '{name}' {problem}.")
        self._catalog = catalog
        self._jobs = settings.jobs
        self._awx = HttpTarget(
            "AWX",
            settings.url,
            authorization=f"Bearer {token.get_secret_value()}",
            timeout_s=15,
            transport=transport,
        )
        self._pause = pause

    def accept(self, given: Mapping[str, Any]) -> JobParameters:
        params = super().accept(given)
        if params.job not in self._jobs:
            raise RemediationError(f"'{params.job}' is not a job here. There are: {', '.join(sorted(self._jobs))}.")
        require_match("The job", self._jobs[params.job].variables, params.variables)
        if found := next(marked(params.variables, TEMPLATES), None):
            raise RemediationError(f"'{found}' holds a template, which Ansible would carry out.")
        return params

    def target(self, params: JobParameters) -> str:
        given = ", ".join(f"{name}={value}" for name, value in sorted(params.variables.items()))
        return f"AWX job template {self._of(params).template_id} ({params.job}{': ' + given if given else ''})"

    def effect(self, params: JobParameters) -> str:
        return filled(self._of(params).effect, params.variables)

    async def blast_radius(self, params: JobParameters) -> BlastRadius:
        service = self.service(params)
        unnamed = f"No service of the catalogue is named for '{params.job}'."
        return reach(self._catalog, service, f"The job acts on {service}", unnamed=unnamed)

    def service(self, params: JobParameters) -> str | None:
        return self._of(params).service

    def reversible(self, params: JobParameters) -> bool:
        return self._of(params).rollback != "irreversible"

    def rollback(self, params: JobParameters) -> str:
        return filled(self._of(params).rollback, params.variables) if self.reversible(params) else "Cannot be undone."

    def made_of(self, params: JobParameters) -> object:
        return self._of(params)

    def base_risk(self, params: JobParameters) -> Risk:
        return Risk(self._of(params).risk)

    def timeout_s(self, params: JobParameters) -> float:
        job = self._of(params)
        return job.timeout_s * (2 if job.dry_run else 1) + 5

    async def check(self, params: JobParameters) -> None:
        job = self._of(params)
        try:
            about = await self._awx.read(_launch(job))
        except SourceUnavailable as error:
            raise PreconditionFailed(f"Nothing was launched: {error}") from None
        missing = about.get("variables_needed_to_start") or []
        if set(missing) - set(params.variables):
            raise PreconditionFailed(f"Nothing was launched: the template also asks for {', '.join(missing)}.")
        if job.dry_run and not about.get("ask_job_type_on_launch"):
            raise PreconditionFailed("Nothing was launched: the template takes no job type, so no check mode.")

    async def perform(self, params: JobParameters, idempotency_key: str) -> str:
        job = self._of(params)
        rehearsed = ""
        if job.dry_run:
            status, number = await self._through(job, params, "check", idempotency_key)
            if status != "successful":
                raise EffectFailed(f"Its dry run, job {number}, ended as {status}; the job itself was not launched.")
            rehearsed = f" after dry run {number}"
        status, number = await self._through(job, params, "run", idempotency_key)
        if status != "successful":
            # a playbook that fails half-way has done its first half
            raise EffectUnknown(f"Job {number} ended as {status}; what it did before that stays done.")
        return f"Job {number} ({params.job}) was successful{rehearsed}."

    async def _through(self, job: AwxJob, params: JobParameters, kind: str, key: str) -> tuple[str, int]:
        """Launch it and wait for its end: its status and its number."""
        body: dict[str, Any] = {"extra_vars": {**params.variables, "nightdesk_proposal": key}}
        if job.dry_run:
            body["job_type"] = kind
        launched = await self._awx.change("POST", _launch(job), body)
        number = launched.get("job") if isinstance(launched, Mapping) else None
        if not isinstance(number, int):
            raise EffectUnknown("AWX took the launch and did not say which job it became.")
        try:
            async with asyncio.timeout(job.timeout_s):
                return await self._end(number), number
        except TimeoutError:
            raise EffectUnknown(f"Job {number} did not end within {job.timeout_s:g} s.") from None

    async def _end(self, number: int) -> str:
        while True:
            try:
                status = str((await self._awx.read(f"/api/v2/jobs/{number}/")).get("status"))
            except SourceUnavailable:
                status = "running"  # asked again until the job's time is over
            if status not in UNDER_WAY:
                return status
            await self._pause(POLL_S)

    def _of(self, params: JobParameters) -> AwxJob:
        return self._jobs[params.job]


def _launch(job: AwxJob) -> str:
    return f"/api/v2/job_templates/{job.template_id}/launch/"
