"""A model that is down, too slow, or spent: the triage is as without one, and the thread says so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from bot.canvas import parse
from bot.errors import BudgetSpent, ModelUnavailable
from bot.llm.chat import ChatReply, ChatRequest, OnText, Spender
from bot.llm.door import model_of
from bot.models import Incident, Noted, Phase
from bot.storage import connect
from bot.work import modelled
from tests.characters import Helpful, heard
from tests.integration.work.night import DRAWN, ID, NOW, REPORTS, WITH_A_JUDGE, night_as, night_on
from tests.integration.work.test_answering import Asked
from tests.servers.model import Answer, Fails, Json, Raw, Says, ScriptedModel
from tests.speaking import speaking


class Failing:
    """A door behind which nobody answers."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.asked = 0

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """Never an answer: the error, or silence."""
        self.asked += 1
        if self.error is None:
            await asyncio.Event().wait()
            raise AssertionError((request, spender, on_text))
        raise self.error


REASONS: Mapping[str, tuple[Exception | None, str]] = {
    "down": (ModelUnavailable("The model answered 503."), "answered 503. Everything else goes on without it."),
    "spent": (BudgetSpent("The budget of 50,000 tokens of this incident is spent."), "What was found so far stands"),
    "slow": (None, "The model did not answer within 0.01 s."),
}  # fmt: skip


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long."""
    monkeypatch.setattr(modelled, "PATIENCE_S", dict.fromkeys(modelled.PATIENCE_S, 0.01))


def notes(incident: Incident) -> list[str]:
    """What was noted."""
    return [recorded.event.text for recorded in incident.history if isinstance(recorded.event, Noted)]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("reason", REASONS)
async def test_the_proposal_is_there_and_the_thread_says_once_that_no_model_helped(redis_url: str, reason: str) -> None:
    error, words = REASONS[reason]
    async with night_on(redis_url, Failing(error)) as night:
        incident = await night.triage()
    assert incident.phase is Phase.AWAITING
    assert sum(words in note for note in notes(incident)) == 1
    assert incident.brief
    assert len(incident.brief.lines) == 2


@pytest.mark.usefixtures("hasty")
async def test_a_silent_model_is_waited_for_once(redis_url: str) -> None:
    silent = Failing(None)
    async with night_on(redis_url, silent) as night:
        incident = await night.triage()
    assert (silent.asked, incident.phase) == (1, Phase.AWAITING)


@pytest.mark.usefixtures("hasty")
async def test_where_the_drawing_wanted_a_judgement_it_is_handed_over_and_says_why(redis_url: str) -> None:
    async with night_on(redis_url, Failing(ModelUnavailable("No model answered."))) as night:
        incident = await night.triage(WITH_A_JUDGE)
    assert incident.phase is Phase.HANDED_OVER
    said = notes(incident)
    assert sum("No model answered." in note for note in said) == 1
    assert sum("the drawing's way without one is taken" in note for note in said) == 1


FAILURES: Mapping[str, Sequence[Answer]] = {
    "429 with Retry-After": [Fails(429, "slow down", {"Retry-After": "1"})],
    "malformed": [Says('{"claims": [{"text": "A'), Says("I would rather not.")],
    "cut by length": [Says('{"statements": [{"text": "pay', finish="length"), Says("{", finish="length")],
    "no JSON at all": [Raw(b"<html>gateway</html>", "text/html")],
    "an empty answer": [Says("")],
    "a tool that was not offered": [Says(tools=(("approve", "{}"),))],
}


@pytest.mark.parametrize("name", FAILURES)
async def test_whatever_comes_over_the_line_the_triage_ends_with_the_right_proposal(redis_url: str, name: str) -> None:
    async with speaking(Helpful()) as model, night_on(redis_url, model) as night:
        for _ in range(4):
            model.server.then(*FAILURES[name])
        incident = await night.triage()
    assert incident.phase is Phase.AWAITING
    assert incident.proposal
    assert incident.proposal.parameters == {"name": "a"}
    assert sorted(night.looked) == sorted(REPORTS)


async def test_an_answer_that_breaks_off_in_the_middle_shows_what_held_and_ends_whole(redis_url: str) -> None:
    async with speaking(Helpful()) as model, night_as(Asked, redis_url, model) as night:
        said = '{"claims": [{"text": "The batch of payments moved to 03:00 last week.", "cites": ["m1"]}, {"text": "A'
        model.server.then(Says(said, cut_after=len(said) // 7))
        told = await night.asked("what moved to 03:00 last week?")
    assert "moved to 03:00 last week [1]" in told
    assert all("moved to 03:00" in shown for shown in night.grown)


@pytest.mark.parametrize(
    "playbook",
    [
        DRAWN.replace("match: {}", "match: {}\nbudget: {tokens: 100, minutes: 5}"),
        DRAWN.replace("  tools: [", "  tokens: 100\n  tools: ["),
    ],
    ids=["of the run", "of the step"],
)
async def test_what_a_drawing_allows_is_spent_once_and_then_its_own_order_goes_on(
    redis_url: str, playbook: str
) -> None:
    async with speaking(Helpful()) as model, night_on(redis_url, model) as night:
        incident = await night.triage(parse(playbook))
    explored = [body for body in model.requests if any("look_" in str(tool) for tool in body.get("tools", ()))]
    assert len(explored) == 1
    assert sorted(night.looked) == sorted(REPORTS)
    assert incident.phase is Phase.AWAITING
    assert sum("The 100 tokens that the drawing allows here are used up." in note for note in notes(incident)) == 1


async def test_on_reaching_a_budget_the_thread_says_which_and_the_rest_goes_on(
    redis_url: str, scripted_model: ScriptedModel
) -> None:
    def costly(body: Json) -> Says:
        reply = Helpful()(heard(body))
        return Says(reply.text, reply.calls, usage=(700, 60))

    scripted_model.script = costly
    settings = scripted_model.settings(budget={"incident_tokens": 2500})
    async with connect(redis_url) as redis, model_of(settings, redis, lambda: NOW) as door:
        assert door
        async with night_on(redis_url, door) as night:
            incident = await night.triage()
        spent = await door.spent(ID)
    assert 0 < spent.calls == len(scripted_model.asked)
    assert spent.tokens <= 2500
    assert incident.phase is Phase.AWAITING
    (said,) = [note for note in notes(incident) if "budget" in note]
    assert "What was found so far stands, and the rest goes on without a model." in said
