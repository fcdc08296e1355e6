"""Restart one of the processes that the settings name: a systemd unit, or an exact command; never through a shell."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from pydantic import Field

from bot.catalog import Catalog
from bot.errors import EffectFailed, EffectUnknown, Misconfigured, PreconditionFailed, RemediationError
from bot.models import Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.reach import reach
from bot.settings import RestartTarget

UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.@\\-]*")
# The child gets no variable of ours: they hold tokens.
ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
MAX_OUTPUT = 600
_REFUSED_BY_SYSTEMCTL = {4: "systemd refused for want of privilege", 5: "systemd does not know the unit"}


class RestartParameters(ActionParameters):
    """Which of the named targets."""

    target: str = Field(min_length=1, max_length=100, description="name in the settings, remediation.restarts")


class Restart(Action[RestartParameters]):
    """Restart one named process.

    Args:
        systemctl: the program that speaks to systemd.

    Raises:
        Misconfigured: a unit whose name systemd would read as something else.
    """

    name = "process.restart"
    summary = "Restart one process that the settings name."
    parameters = RestartParameters

    def __init__(self, catalog: Catalog, targets: Mapping[str, RestartTarget], *, systemctl: str = "systemctl") -> None:
        for name, target in targets.items():
            if target.unit is not None and not UNIT.fullmatch(target.unit):
                raise Misconfigured(f"NIGHTDESK_REMEDIATION__RESTARTS: '{name}' has no valid unit name.")
            if target.command is not None and (not target.command or not target.command[0]):
                raise Misconfigured(f"NIGHTDESK_REMEDIATION__RESTARTS: '{name}' has an empty command.")
        self._catalog = catalog
        self._targets = targets
        self._systemctl = systemctl

    def accept(self, given: Mapping[str, Any]) -> RestartParameters:
        params = super().accept(given)
        if params.target not in self._targets:
            known = ", ".join(sorted(self._targets))
            raise RemediationError(f"'{params.target}' may not be restarted. There are: {known}.")
        return params

    def target(self, params: RestartParameters) -> str:
        return f"{params.target} ({' '.join(self._command(params))})"

    def effect(self, params: RestartParameters) -> str:
        return f"{params.target} is restarted; what it is doing is interrupted."

    async def blast_radius(self, params: RestartParameters) -> BlastRadius:
        service = self.service(params)
        what = f"{service} is interrupted while it restarts"
        return reach(self._catalog, service, what, unnamed="No service of the catalogue is named for it.")

    def service(self, params: RestartParameters) -> str | None:
        return self._targets[params.target].service

    def reversible(self, params: RestartParameters) -> bool:  # noqa: ARG002
        return False

    def rollback(self, params: RestartParameters) -> str:  # noqa: ARG002
        return "Cannot be undone: what the process was doing is lost; if it does not come up, start it by hand."

    def made_of(self, params: RestartParameters) -> object:
        return self._targets[params.target]

    def base_risk(self, params: RestartParameters) -> Risk:
        return Risk(self._targets[params.target].risk)

    def timeout_s(self, params: RestartParameters) -> float:
        return self._targets[params.target].timeout_s + 5

    async def check(self, params: RestartParameters) -> None:
        program = self._command(params)[0]
        if shutil.which(program, path=ENVIRONMENT["PATH"]) is None:
            raise PreconditionFailed(f"Nothing was done: there is no program '{program}' on this machine.")
        unit = self._targets[params.target].unit
        if unit and await self._load_state(unit) != "loaded":
            raise PreconditionFailed(f"Nothing was done: systemd has no unit '{unit}' loaded.")

    async def perform(self, params: RestartParameters, idempotency_key: str) -> str:  # noqa: ARG002
        target = self._targets[params.target]
        try:
            code, output = await _run(self._command(params), target.timeout_s)
        except TimeoutError:
            raise EffectUnknown(
                f"The restart of {params.target} did not end within {target.timeout_s:g} s and was given up."
            ) from None
        except OSError as error:  # after TimeoutError, which is one too
            raise EffectFailed(f"{params.target} was not restarted: {error.strerror}.") from None
        if target.unit and code in _REFUSED_BY_SYSTEMCTL:
            raise EffectFailed(f"{params.target} was not restarted: {_REFUSED_BY_SYSTEMCTL[code]}.")
        if code != 0:
            # a restart that fails half-way may have stopped what it should have started
            raise EffectUnknown(f"The restart of {params.target} ended with code {code}: {output or 'no output'}")
        return f"{params.target} was restarted."

    def _command(self, params: RestartParameters) -> Sequence[str]:
        target = self._targets[params.target]
        return target.command or (self._systemctl, "restart", "--", str(target.unit))

    async def _load_state(self, unit: str) -> str:
        try:
            _, output = await _run((self._systemctl, "show", "--property=LoadState", "--value", "--", unit), 5)
        except (OSError, TimeoutError):
            raise PreconditionFailed("Nothing was done: systemd did not answer.") from None
        return output


async def _run(command: Sequence[str], within_s: float) -> tuple[int, str]:
    """Run it to its end; its exit code and the last of its output.

    Raises:
        TimeoutError: it took longer and was killed, with everything that it started.
        OSError: it could not be started.
    """
    # a file and not a pipe: what the command leaves running in the background may keep a pipe open for ever
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(ENVIRONMENT),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(within_s):
                code = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return code, _tail(output)


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - MAX_OUTPUT))
    text = output.read().decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
