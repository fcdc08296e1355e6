"""What a model said, as the thread shows it."""

from __future__ import annotations

from bot.models import Cited, ModelCost, Worded
from bot.slack.limits import check_message
from bot.slack.views.card import card
from bot.slack.views.spoken import Source, spoken
from bot.slack.views.thread import Turn, message
from tests.unit.slack import stories
from tests.unit.slack.test_views import read


def worded(**changes: object) -> str:
    """The message for a wording of the story's ranking."""
    said = {"at": stories.at(4), "ranked": "4-0",
            "sentences": (Cited(text="A batch session holds a lock <!channel>.", cites=("database-1",)),)}  # fmt: skip
    incident = stories.incident([*stories.until_proposed(), Worded.model_validate({**said, **changes})])
    shown = message(Turn(incident.history[-1:]), incident, {})
    assert shown
    check_message(shown.text, shown.blocks)
    return read(shown)


def test_a_wording_stands_with_its_sources_and_says_whose_it_is() -> None:
    text = worded(refused=2)
    assert "*In words* — A batch session holds a lock &lt;!channel&gt;. [1]" in text
    assert "1. " in text
    assert "Worded by a model" in text
    assert "2 of its sentences had no support, and are left out." in text


def test_a_doubt_and_what_is_missing_are_told() -> None:
    text = worded(doubt=Cited(text="It began before.", cites=("the logs were silent",)), missing=("the slow log",))
    assert "*A doubt* — It began before. [2]" in text
    assert "2. the logs were silent" in text
    assert "*What is missing*\\n• the slow log" in text


def test_an_answer_links_what_was_said_and_admits_what_it_does_not_know() -> None:
    source = Source("The pool has twenty", "said by MINA", "https://slack.example.com/archives/C1/p1")
    told = read(spoken([("It was raised.", (source,))], ["who raised it"]))
    assert "It was raised. [1]" in told
    assert "<https://slack.example.com/archives/C1/p1|message>" in told
    assert "I do not know." in read(spoken([], ["everything"]))


def test_a_long_answer_fits_into_a_message() -> None:
    sources = tuple(Source("错误" * 200, "日志") for _ in range(3))
    shown = spoken([("错误率上升" * 100, sources)] * 8, ["缺" * 300] * 4, refused=9)
    check_message(shown.text, shown.blocks)


def test_the_card_says_what_a_model_has_cost() -> None:
    incident = stories.incident(stories.until_proposed())
    assert "*Model*" not in read(card(incident))
    cost = ModelCost(tokens=4120, money=0.0123)
    assert "*Model*\\n4,120 tokens, 0.012 USD" in read(card(incident.model_copy(update={"model_cost": cost})))
    free = incident.model_copy(update={"model_cost": ModelCost(tokens=4120)})
    assert '*Model*\\n4,120 tokens"' in read(card(free))
