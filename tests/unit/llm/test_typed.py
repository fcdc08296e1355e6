"""A typed call: what goes out, what is taken for an answer, and what becomes of one that is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from bot.llm.answer import Sentences
from bot.llm.chat import ChatReply, ChatRequest, OnText, Spender
from bot.llm.condense import Condensation, condense
from bot.llm.honesty import Fact
from bot.llm.judge import Choice, Crossing, judge
from bot.llm.postmortem import Drafted, Learned
from bot.llm.typed import Answer, Asking, Language, bare_schema, first_object, prompt
from bot.llm.words import Ranking, Worded, word
from bot.models import BriefLine, Hypothesis
from tests.characters import CALLS

AT = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
FACT = Fact(ref="e1", id="db-1", text="10.0.0.7 blocks 12 sessions of pay-ledger", source="database")
CAUSE = Hypothesis(service="pay-ledger", indicator="locks", kind="lock", statement="A session blocks others", score=1,
                   confidence=0.8, evidence_for=("db-1",))  # fmt: skip
SHAPES: dict[str, type[Answer]] = {
    "condense": Condensation, "words": Worded, "judge": Choice, "answer": Sentences, "postmortem": Drafted,
    "lesson": Learned,
}  # fmt: skip
RANKING = Ranking(alert="payments fail", hypotheses=(CAUSE,), facts=(FACT,))


class Scripted:
    """Answers with these texts in turn, and keeps what it heard."""

    def __init__(self, *texts: str | Callable[[ChatRequest], str], complete: bool = True) -> None:
        self.texts = list(texts)
        self.complete = complete
        self.heard: list[ChatRequest] = []

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """The next text."""
        self.heard.append(request)
        text = self.texts.pop(0)
        return ChatReply(text=text if isinstance(text, str) else text(request), complete=self.complete)

    def asking(self, language: Language = "en", *names: str) -> Asking:
        """Somebody who asks it."""
        return Asking(self, Spender(incident="I"), language, frozenset(names), lambda: "data-5eed")


def wording(text: str, *cites: str) -> str:
    """A wording of one sentence."""
    return json.dumps({"claims": [{"text": text, "cites": cites}], "doubt": [], "missing": []})


GOOD = wording("A session blocks 12 others.", "e1")


@pytest.mark.parametrize(
    "said",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here you are: {GOOD} I hope that this helps.",
    ],
)
async def test_an_answer_is_found_in_what_models_write_around_it(said: str) -> None:
    model = Scripted(said)
    worded = await word(model.asking(), RANKING)
    assert worded
    assert (worded.claims[0].text, len(model.heard)) == ("A session blocks 12 others.", 1)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("I cannot help with that.", "no complete JSON object"),
        (GOOD[:40], "no complete JSON object"),
        ('{"claims": "none"}', "claims: "),
        ('{"claims": [], "doubt": [], "missing": [], "approve": true}', "approve: Extra inputs"),
        ("[1, 2]", "no complete JSON object"),
    ],
)
async def test_what_does_not_fit_is_asked_for_once_more_with_what_was_wrong(said: str, wrong: str) -> None:
    model = Scripted(said, GOOD)
    assert await word(model.asking(), RANKING)
    again = model.heard[1].said
    assert [turn.role for turn in again] == ["system", "user", "assistant", "user"]
    assert again[2].text == said
    assert wrong in again[3].text


def test_an_answer_that_is_nested_without_end_is_none() -> None:
    with pytest.raises(ValueError, match="no complete JSON object"):
        first_object('{"claims": ' + '{"a": [' * 50_000)


async def test_after_that_it_is_none() -> None:
    model = Scripted("no", "no")
    assert await word(model.asking(), RANKING) is None
    assert len(model.heard) == 2


async def test_a_model_whose_answer_was_cut_off_is_told_to_be_shorter() -> None:
    model = Scripted(GOOD[:40], GOOD[:40], complete=False)
    assert await word(model.asking(), RANKING) is None
    assert "be shorter" in model.heard[1].said[3].text


async def test_identifiers_leave_as_tokens_and_come_back() -> None:
    def said(request: ChatRequest) -> str:
        assert "10.0.0.7" not in request.model_dump_json()
        assert "pay-ledger" not in request.model_dump_json()
        return wording("IP_1 blocks 12 sessions of NAME_1, HOST_7 none.", "e1")

    def known(request: ChatRequest) -> str:
        assert request.said
        return wording("IP_1 blocks 12 sessions of NAME_1.", "e1")

    worded = await word(Scripted(known).asking("en", "pay-ledger"), RANKING)
    assert worded
    assert worded.claims[0].text == "10.0.0.7 blocks 12 sessions of pay-ledger."
    assert await word(Scripted(said).asking("en", "pay-ledger"), RANKING) is None, "a token that stands for nothing"


async def test_what_was_wrong_names_no_identifier_that_the_model_was_not_told() -> None:
    found = (Fact(ref="f1", id="locks.host", text="locks › host = 10.0.0.7"),
             Fact(ref="f2", id="locks.root", text="locks › root = 10.0.0.8"))  # fmt: skip
    crossing = Crossing(question="Is it one host?", labels=("yes", "otherwise"), found=found)
    said = json.dumps({"label": "yes", "cites": ["f1"], "why": "The host is IP_2."})
    model = Scripted(said, said)
    assert await judge(model.asking(), crossing) is None
    again = model.heard[1].said[3].text
    assert "'IP_2' is in none of the facts" in again
    assert "10.0.0" not in again


async def test_a_wording_must_be_about_the_first_cause() -> None:
    other = Fact(ref="e2", id="logs-1", text="The cache is cold", source="logs")
    ranking = RANKING.model_copy(update={"facts": (FACT, other)})
    assert await word(Scripted(wording("The cache is cold.", "e2")).asking(), ranking) is None


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({"label": "yes", "cites": ["f1"], "why": "12 sessions wait."}, True),
        ({"label": "Yes", "cites": ["f1"], "why": "12 sessions wait."}, False),
        ({"label": "approved", "cites": ["f1"], "why": "12 sessions wait."}, False),
        ({"label": "yes", "cites": [], "why": "12 sessions wait."}, False),
        ({"label": "yes", "cites": ["f2"], "why": "12 sessions wait."}, False),
        ({"label": "yes", "cites": ["f1"], "why": "13 sessions wait."}, False),
    ],
)
async def test_an_arrow_is_taken_only_if_it_is_drawn_and_its_ground_holds(said: dict[str, Any], holds: bool) -> None:
    found = (Fact(ref="f1", id="locks.waiting", text="locks › waiting sessions = 12"),)
    crossing = Crossing(question="Does one block many?", labels=("yes", "otherwise"), found=found)
    model = Scripted(json.dumps(said), json.dumps(said))
    choice = await judge(model.asking(), crossing)
    assert (choice is not None) is holds
    schema = model.heard[0].json_schema
    assert schema
    assert schema["properties"]["label"] == {"type": "string", "enum": ["yes", "otherwise"]}


async def test_where_nothing_was_found_nobody_is_asked_to_judge() -> None:
    model = Scripted()
    assert await judge(model.asking(), Crossing(question="Is it?", labels=("yes", "otherwise"), found=())) is None


async def test_a_statement_takes_the_place_only_of_lines_that_it_says_something_of() -> None:
    lines = [BriefLine(text=text, user="U1", said_at=AT, section="known")
             for text in ("the ledger migration took a lock", "lunch?", "ending session 4711 helped")]  # fmt: skip
    said = {"statements": [{"text": "The migration took a lock; ending 4711 helped.", "cites": [0, 1, 2]},
                           {"text": "All is well.", "cites": [0, 1, 2]},
                           {"text": "Ending session 4711 helped, and is approved.", "cites": [2]}]}  # fmt: skip
    statements = await condense(Scripted(json.dumps(said)).asking(), "payments fail", lines, 200)
    assert statements
    assert [one.cites for one in statements] == [(0, 2), (), ()]


@pytest.mark.parametrize("answer", SHAPES.values())
def test_every_field_is_demanded_and_no_other_allowed(answer: type[Answer]) -> None:
    schema = bare_schema(answer)
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["additionalProperties"] is False
        assert sorted(part["required"]) == sorted(part["properties"])
    assert "title" not in json.dumps(schema)


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("name", [*CALLS, "rules", "repair"])
def test_every_prompt_is_there_in_every_language_and_shows_an_answer_that_fits(name: str, language: Language) -> None:
    text = prompt(name, language)
    assert ("{boundary}" in text) == (name == "rules")
    assert ("{wrong}" in text) == (name == "repair")
    if name in SHAPES:
        SHAPES[name].model_validate(first_object(text))
