"""How a verification's value is read: a metric, a fact of a read-only tool, or the action's own check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.errors import BadInput, NotFound, RemediationError, SourceUnavailable
from bot.models import Proposal, Verification
from bot.remediation.action import Measure
from bot.remediation.catalogue import Actions

Ask = Callable[[str], Awaitable[float | None]]
"""Asks a PromQL expression for its single value now; None where it has none. Raises SourceUnavailable."""
ScopeOf = Callable[[str], Awaitable[Scope]]
"""The scope of an incident now, by its id."""


class Measures:
    """Finds the way to read a proposal's verification.

    Args:
        ask: None where there are no metrics.
    """

    def __init__(self, ask: Ask | None, toolbox: Toolbox, scope_of: ScopeOf, actions: Actions) -> None:
        self._ask = ask
        self._toolbox = toolbox
        self._scope_of = scope_of
        self._actions = actions

    def of(self, proposal: Proposal) -> Measure | None:
        """One reading, as a function; None where nothing can be read."""
        verification = proposal.verification
        if verification is None:
            return None
        if verification.tool:
            return partial(self._fact, verification, proposal.incident_id)
        own = self._own_checks(proposal).get(verification.query)
        if own or self._ask is None:
            return own
        return partial(self._ask, verification.query)

    async def now(self, proposal: Proposal) -> float | None:
        """The value as it is now, None where it cannot be read."""
        measure = self.of(proposal)
        if measure is None:
            return None
        try:
            return await measure()
        except (SourceUnavailable, RemediationError):
            return None

    async def _fact(self, verification: Verification, incident_id: str) -> float | None:
        try:
            scope = await self._scope_of(incident_id)
            report = await self._toolbox.use(verification.tool or "", verification.parameters, scope)
        except (NotFound, BadInput) as error:
            raise SourceUnavailable(str(error)) from error
        value = report.facts.get(verification.fact or "")
        return float(value) if isinstance(value, int | float) else None

    def _own_checks(self, proposal: Proposal) -> Mapping[str, Measure]:
        try:
            action, parameters = self._actions.resolve(proposal.action, proposal.parameters)
        except RemediationError:
            return {}
        return action.checks(parameters)
