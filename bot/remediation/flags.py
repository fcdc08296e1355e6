"""Turn one of the feature flags that the settings name on or off, at LaunchDarkly or Unleash.

https://launchdarkly.com/docs/api/feature-flags/patch-feature-flag (semantic patch)
https://docs.getunleash.io/reference/api/unleash (admin API)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from pydantic import Field, SecretStr, StrictBool

from bot.catalog import Catalog
from bot.errors import PreconditionFailed, RemediationError, SourceUnavailable
from bot.http import Transport
from bot.models import Risk, Verification
from bot.remediation.action import Action, ActionParameters, BlastRadius, Measure
from bot.remediation.reach import reach
from bot.remediation.target import HttpTarget
from bot.settings.targets import FeatureFlag

SEMANTIC_PATCH = "application/json; domain-model=launchdarkly.semanticpatch"
STATE = "flag.state"
"""The check of this action: 1 while the flag is on, 0 while it is off."""


class Provider(ABC):
    """Where one flag is kept."""

    def __init__(self, flag: FeatureFlag, target: HttpTarget) -> None:
        self.flag = flag
        self.target = target

    @abstractmethod
    async def on(self) -> bool:
        """Whether it is on in its environment.

        Raises:
            SourceUnavailable: it cannot be told.
        """

    @abstractmethod
    async def turn(self, *, on: bool, comment: str) -> None:
        """Turn it; raises EffectFailed or EffectUnknown."""

    async def try_out(self, *, on: bool) -> str | None:  # noqa: ARG002
        """What a dry run says, where the provider has one."""
        return None


class LaunchDarkly(Provider):
    """One flag at LaunchDarkly."""

    async def on(self) -> bool:
        found = await self.target.read(self._path, {"env": self.flag.environment})
        return _known(found.get("environments", {}).get(self.flag.environment, {}).get("on"), self.flag)

    async def turn(self, *, on: bool, comment: str) -> None:
        await self.target.change("PATCH", self._path, self._patch(on, comment), content_type=SEMANTIC_PATCH)

    async def try_out(self, *, on: bool) -> str | None:
        body, dry = self._patch(on, "a dry run"), {"dryRun": "true"}
        await self.target.change("PATCH", self._path, body, params=dry, content_type=SEMANTIC_PATCH)
        return "LaunchDarkly accepted it in a dry run."

    @property
    def _path(self) -> str:
        return f"/api/v2/flags/{self.flag.project}/{self.flag.key}"

    def _patch(self, on: bool, comment: str) -> dict[str, Any]:
        instruction = {"kind": "turnFlagOn" if on else "turnFlagOff"}
        return {"environmentKey": self.flag.environment, "comment": comment, "instructions": [instruction]}


class Unleash(Provider):
    """One flag at Unleash."""

    async def on(self) -> bool:
        found = await self.target.read(self._path)
        states = {one.get("name"): one.get("enabled") for one in found.get("environments") or ()}
        return _known(states.get(self.flag.environment), self.flag)

    async def turn(self, *, on: bool, comment: str) -> None:  # noqa: ARG002 - Unleash keeps none
        path = f"{self._path}/environments/{self.flag.environment}/{'on' if on else 'off'}"
        await self.target.change("POST", path, None)

    @property
    def _path(self) -> str:
        return f"/api/admin/projects/{self.flag.project}/features/{self.flag.key}"


PROVIDERS: Mapping[str, type[Provider]] = {"launchdarkly": LaunchDarkly, "unleash": Unleash}


def provider_of(name: str, flag: FeatureFlag, token: SecretStr, transport: Transport | None = None) -> Provider:
    """The provider of a flag, ready to ask."""
    target = HttpTarget(
        f"the provider of flag {name}",
        flag.url,
        authorization=token.get_secret_value(),
        timeout_s=flag.timeout_s,
        transport=transport,
    )
    return PROVIDERS[flag.provider](flag, target)


class FlagParameters(ActionParameters):
    """Which of the named flags, and how it shall be."""

    flag: str = Field(min_length=1, max_length=100, description="name in the settings, remediation.flags")
    on: StrictBool
    seen_on: bool | None = Field(default=None, description="filled in when it is proposed")


class TurnFlag(Action[FlagParameters]):
    """Turn one named flag on or off."""

    name = "flag.turn"
    summary = "Turn one feature flag that the settings name on or off."
    parameters = FlagParameters

    def __init__(self, catalog: Catalog, flags: Mapping[str, Provider]) -> None:
        self._catalog = catalog
        self._flags = flags

    def accept(self, given: Mapping[str, Any]) -> FlagParameters:
        params = super().accept(given)
        if params.flag not in self._flags:
            raise RemediationError(f"'{params.flag}' is not a flag here. There are: {', '.join(sorted(self._flags))}.")
        return params

    def target(self, params: FlagParameters) -> str:
        flag = self._flags[params.flag].flag
        return f"flag {flag.key} of {flag.project} in {flag.environment} ({flag.provider})"

    def effect(self, params: FlagParameters) -> str:
        return f"The flag {self._flags[params.flag].flag.key} is turned {_word(params.on)}."

    async def blast_radius(self, params: FlagParameters) -> BlastRadius:
        service = self.service(params)
        what = f"All users of {service} in {self._flags[params.flag].flag.environment} get the other side of it"
        return reach(self._catalog, service, what, unnamed=f"No service of the catalogue reads '{params.flag}'.")

    def service(self, params: FlagParameters) -> str | None:
        return self._flags[params.flag].flag.service

    def reversible(self, params: FlagParameters) -> bool:  # noqa: ARG002
        return True

    def rollback(self, params: FlagParameters) -> str:
        return f"Turn it {_word(not params.on)} again."

    def made_of(self, params: FlagParameters) -> object:
        return self._flags[params.flag].flag

    def base_risk(self, params: FlagParameters) -> Risk:
        return Risk(self._flags[params.flag].flag.risk)

    def timeout_s(self, params: FlagParameters) -> float:
        return self._flags[params.flag].flag.timeout_s + 5

    async def pinned(self, params: FlagParameters) -> FlagParameters:
        seen = await self._state(params)
        if seen == params.on:
            raise PreconditionFailed(f"Nothing to do: {self.target(params)} is {_word(params.on)} already.")
        return params.model_copy(update={"seen_on": seen})

    async def check(self, params: FlagParameters) -> None:
        await self.pinned(params)

    async def rehearse(self, params: FlagParameters) -> str | None:
        return await self._flags[params.flag].try_out(on=params.on)

    async def perform(self, params: FlagParameters, idempotency_key: str) -> str:
        comment = f"Approved in Slack, Nightdesk proposal {idempotency_key}"
        await self._flags[params.flag].turn(on=params.on, comment=comment)
        return f"{self.target(params)} was turned {_word(params.on)}."

    def default_verification(self, params: FlagParameters, window_s: float) -> Verification | None:
        return Verification(
            query=f"{STATE}:{params.flag}",
            what=f"whether {params.flag} is on",
            threshold=float(params.on),
            comparison="==",
            window_s=window_s,
        )

    def checks(self, params: FlagParameters) -> Mapping[str, Measure]:
        async def state() -> float | None:
            return float(await self._state(params))

        return {f"{STATE}:{params.flag}": state}

    async def _state(self, params: FlagParameters) -> bool:
        try:
            return await self._flags[params.flag].on()
        except SourceUnavailable as error:
            raise PreconditionFailed(f"Nothing was done: {error}") from None


def _word(on: bool) -> str:
    return "on" if on else "off"


def _known(state: object, flag: FeatureFlag) -> bool:
    if not isinstance(state, bool):
        raise SourceUnavailable(f"{flag.provider} does not say whether {flag.key} is on in {flag.environment}.")
    return state
