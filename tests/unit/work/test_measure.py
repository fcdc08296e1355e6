"""How the figure is read that a remedy is judged by."""

from __future__ import annotations

from typing import Any

import pytest

from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool, Toolbox
from bot.catalog import Catalog
from bot.errors import NotFound, RemediationError, SourceUnavailable
from bot.models import Report, Verification
from bot.remediation.catalogue import Actions
from bot.settings import TriageSettings
from bot.work.measure import Ask, Measures
from bot.work.scoping import scope_of
from tests.integration.remediation.gate import Count
from tests.unit.work.histories import ID, NOW, finding, incident, opened, proposal


class Looked(Parameters):
    """What the counting tool takes."""

    database: str


class OwnCheck(Count):
    """An action that can tell by itself whether it worked."""

    def checks(self, params: Any) -> dict[str, Any]:
        async def rows() -> float:
            return 3.0

        return {"test.rows": rows}


async def scope_now(incident_id: str) -> Scope:
    if incident_id != ID:
        raise NotFound(f"There is no incident {incident_id}.")
    return scope_of(incident(opened()), Catalog(), TriageSettings(), NOW)


def counting(value: object) -> Tool:
    async def run(parameters: Looked, scope: Scope) -> Report:
        return Report(agent="database", findings=(finding(facts={f"waiting in {parameters.database}": value}),))

    return Tool("database.count", "database", "Counts.", Looked, {"waiting in d": "sessions"}, run)


def measures(ask: Ask | None = None, tool_finds: object = 4) -> Measures:
    unused: Any = None
    return Measures(ask, Toolbox((counting(tool_finds),)), scope_now, Actions([OwnCheck(unused)]))


def watched(**changes: Any) -> Any:
    return proposal(verification=Verification(**{"query": "q", "threshold": 1, "window_s": 10, **changes}))


BY_TOOL = {"tool": "database.count", "parameters": {"database": "d"}, "fact": "waiting in d"}


async def seven(promql: str) -> float:
    assert promql == "q"
    return 7.0


async def test_a_query_is_asked_of_the_metrics() -> None:
    assert await measures(seven).now(watched()) == 7.0


async def test_a_fact_is_asked_of_its_tool() -> None:
    assert await measures(seven).now(watched(**BY_TOOL)) == 4.0


async def test_the_actions_own_check_comes_before_the_metrics() -> None:
    assert await measures(seven).now(watched(query="test.rows")) == 3.0


@pytest.mark.parametrize("value", ["many", None])
async def test_a_fact_that_is_no_figure_is_no_reading(value: object) -> None:
    assert await measures(tool_finds=value).now(watched(**BY_TOOL)) is None


async def test_a_yes_counts_as_one() -> None:
    assert await measures(tool_finds=True).now(watched(**BY_TOOL)) == 1.0


@pytest.mark.parametrize(
    "wrong", [{"tool": "no.such"}, {"parameters": {"datenbank": "d"}}, {"fact": "another"}], ids=str
)
async def test_a_tool_that_cannot_be_asked_is_no_reading_and_no_crash(wrong: dict[str, Any]) -> None:
    assert await measures().now(watched(**{**BY_TOOL, **wrong})) is None


async def test_a_tool_that_cannot_be_asked_says_so_to_the_watch() -> None:
    measure = measures().of(watched(**{**BY_TOOL, "tool": "no.such"}))
    assert measure
    with pytest.raises(SourceUnavailable, match=r"There is no tool 'no\.such'"):
        await measure()


@pytest.mark.parametrize("error", [SourceUnavailable("down"), RemediationError("odd")])
async def test_a_source_that_is_down_gives_no_reading(error: Exception) -> None:
    async def down(_: str) -> float | None:
        raise error

    assert await measures(down).now(watched()) is None


async def test_without_metrics_and_without_a_verification_there_is_nothing_to_read() -> None:
    assert measures().of(watched()) is None
    assert measures(seven).of(proposal(verification=None)) is None


async def test_an_action_that_is_gone_meanwhile_leaves_the_metrics() -> None:
    gone = watched().model_copy(update={"action": "no.longer"})
    assert await measures(seven).now(gone) == 7.0
