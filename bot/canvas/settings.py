"""What the YAML of a playbook may say: its front matter, and the block of each node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import ErrorDetails

from bot.nearest import meant

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(value: object) -> float:
    """`90`, `"90s"`, `"5m"` or `"1h"` in seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", str(value).strip())
    if not found:
        raise ValueError(f"'{value}' is no duration: write 30s, 5m or 1h")
    return float(found[1]) * UNITS[found[2]]


Duration = Annotated[float, BeforeValidator(seconds), Field(gt=0, le=86_400)]
"""Seconds, written as 30s, 5m or 1h."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
NAME, SLUG = r"^[A-Za-z][A-Za-z0-9_]*$", r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, Field(pattern=NAME)]
Slug = Annotated[str, Field(pattern=SLUG, max_length=80)]
IN_WORDS = {NAME: "write a word of A to Z, digits and '_'", SLUG: "write lower-case words with hyphens: disk-filling"}
"""What a pattern asks for."""
_LISTS, _MAPPINGS = {"list_type", "tuple_type"}, {"dict_type", "mapping_type", "model_type", "model_attributes_type"}


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Match(_Written):
    """Which alerts the playbook is for. Every line that is given must fit; patterns are regular expressions."""

    alertname: Words = Field(default=(), description="patterns; the whole alert name must fit one of them")
    service: Words = Field(default=(), description="patterns for the catalogue name of the service")
    severity: Words = Field(default=(), description="severities, any of them")
    source: Words = Field(default=(), description="doors, any of them: alertmanager, grafana, …")
    labels: Mapping[str, str] = Field(default_factory=dict, description="label → pattern; all must fit")


class Budget(_Written):
    """What a model may spend in one run."""

    tokens: int = Field(default=8000, ge=0)
    minutes: float = Field(default=5, gt=0, le=120)


class Front(_Written):
    """The front matter."""

    id: Slug
    title: str = Field(min_length=3)
    owner: str = Field(min_length=1, description="the team that keeps it true")
    match: Match | None = Field(default=None, description="absent: only as a sub-playbook, or as the fallback")
    inputs: Mapping[Name, Any] = Field(default_factory=dict, description="names a caller may pass, with their defaults")
    budget: Budget = Budget()


class Retry(_Written):
    """How often to ask again after an error."""

    times: int = Field(ge=0, le=10)
    wait: Duration = Field(default=1.0, description="before the second attempt; doubled each time")


class Go(_Written):
    """On an error, leave by the arrow to this node."""

    go: Name


class Default(_Written):
    """On an error, carry on with these facts."""

    default: Mapping[str, Any]


class Offer(_Written):
    """A reading tool that an exploration may use."""

    use: str
    with_: Mapping[str, Any] = Field(default_factory=dict, alias="with")


def _offered(value: object) -> object:
    return {"use": value} if isinstance(value, str) else value


class Explore(_Written):
    """Answer one question with these tools: in this order where there is no model, else as the model chooses."""

    goal: str = Field(min_length=10)
    tools: tuple[Annotated[Offer, BeforeValidator(_offered)], ...] = Field(min_length=1)
    until: str | None = Field(default=None, description="CEL over what was found so far: when to stop looking")
    steps: int = Field(default=6, ge=1, le=30, description="tool calls at most")
    tokens: int | None = Field(default=None, ge=1, description="less than the playbook's budget, where given")


class Verify(_Written):
    """How to tell that a change has helped: a query, a symptom or a tool's fact, and what is good."""

    query: str | None = Field(default=None, description="PromQL; may name {{ service.… }} only")
    symptom: Literal["worst"] | None = Field(
        default=None, description="or the worst symptom that was found: good once it is nearly back to its normal"
    )
    use: str | None = Field(default=None, description="or a reading tool")
    with_: Mapping[str, Any] = Field(default_factory=dict, alias="with")
    fact: str | None = Field(default=None, description="the tool's fact to watch")
    below: float | None = None
    above: float | None = None
    within: Duration = 300.0
    unit: str | None = None


class Rollback(_Written):
    """The action that undoes the change; it is proposed for approval like any other."""

    use: str
    with_: Mapping[str, Any] = Field(default_factory=dict, alias="with")


class Settings(_Written):
    """The block of one node. Which keys it may have depends on the node's shape."""

    use: str | None = Field(default=None, description="a reading tool")
    change: str | None = Field(default=None, description="an action; a gate must come before it")
    explore: Explore | None = None
    ask: str | None = Field(default=None, min_length=5, description="a question to the people in the thread")
    answers: tuple[str, ...] = Field(default=(), max_length=5, description="the buttons of `ask`")
    with_: Mapping[str, Any] = Field(default_factory=dict, alias="with")
    foreach: str | None = Field(default=None, description="a reference to a list; the step is done for each item")
    as_: Name = Field(default="item", alias="as")
    at_most: int = Field(default=20, ge=1, le=100, description="items of `foreach` that are looked at")
    save_as: Name | None = Field(default=None, description="the name of the facts; else the node's id")
    retry: Retry = Retry(times=0)
    on_error: Literal["fail"] | Go | Default = "fail"
    deadline: Duration | None = None
    max_visits: int | None = Field(default=None, ge=1, le=100)
    join: Literal["all", "any"] = "all"
    when: Mapping[str, str] = Field(default_factory=dict, description="label of an arrow → CEL")
    judge: Literal["model"] | None = None
    question: str | None = Field(default=None, min_length=10)
    playbook: Slug | None = None
    expires: Duration | None = Field(default=None, description="how long a gate or a question waits")
    why: str | None = Field(default=None, description="said at the gate")
    verify: Verify | None = None
    rollback: Rollback | None = None
    risk: Literal["low", "medium", "high"] | None = Field(
        default=None, description="what the author calls the change at least; policy may only raise it"
    )
    irreversible: str | None = Field(default=None, min_length=5, description="why it cannot be undone")
    say: str | None = Field(default=None, description="said in the thread when the end is reached")
    outcome: Literal["resolved", "handed_over", "page"] | None = None

    @property
    def written(self) -> frozenset[str]:
        """The keys that the author wrote, as written."""
        return frozenset(name.removesuffix("_") for name in self.model_fields_set)


BARE = Settings()
"""The settings of a node without a block."""


def misfit(name: str, problem: ErrorDetails, known: Iterable[str]) -> tuple[str, str]:
    """What is wrong with a key, and the mend, in the words of somebody who writes YAML.

    Args:
        known: the keys that there are beside it.
    """
    kind, asked = problem["type"], IN_WORDS.get(problem.get("ctx", {}).get("pattern", ""))
    if kind == "extra_forbidden":
        return f"There is no key '{name}'.", f"{meant(name, known)}Delete it, or see docs/playbooks.md for the keys."
    if kind == "missing":
        return f"'{name}' is missing.", f"Write '{name}: …'; docs/playbooks.md says what it may be."
    if kind in _LISTS:
        return f"'{name}' is no list.", f"Write {name}: [one, two]."
    if kind in _MAPPINGS:
        return f"'{name}' is no mapping.", f"Write {name}: {{key: value}}."
    what = asked or re.sub(r"^(Input|String|Tuple|List) should", "it should", problem["msg"])
    return f"'{name}' does not fit: {what.removeprefix('Value error, ')}.", "See docs/playbooks.md for what it may be."
