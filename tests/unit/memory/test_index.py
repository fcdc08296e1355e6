"""The index of one process: what a question finds, and what is left after forgetting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

from bot.memory.dates import Period
from bot.memory.index import Index
from bot.memory.question import Question
from bot.models import Message

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def _said(number: int, text: str, *, user: str = "ana", channel: str = "C1", minute: float | None = None) -> Message:
    at = NOON + timedelta(minutes=number if minute is None else minute)
    return Message(id=str(number), channel=channel, user=user, text=text, sent_at=at)


def _ids(index: Index, question: Question) -> list[str]:
    return [hit.id for hit in index.search(question, limit=10)]


def test_a_question_whose_words_are_spread_over_a_talk_finds_the_talk() -> None:
    index = Index()
    index.put([_said(0, "the ledger is slow"), _said(1, "since the migration?"), _said(2, "yes")])
    index.put([_said(9, "ledger lunch", minute=900), _said(10, "migration of birds", minute=1800)])
    assert set(_ids(index, Question("ledger migration"))[:2]) == {"0", "1"}


def test_what_a_named_person_said_comes_first() -> None:
    index = Index()
    index.put([_said(0, "restart payments", user="ben"), _said(500, "restart payments", user="ana")])
    assert _ids(index, Question("what did ben restart"))[0] == "0"


def test_a_date_that_something_happened_on_helps_and_does_not_exclude() -> None:
    index = Index()
    index.put([_said(0, "restart payments", minute=-5000), _said(1, "restart payments", minute=0)])
    soft = Period(NOON - timedelta(hours=100), NOON - timedelta(hours=60), "restart", strict=False)
    assert _ids(index, Question("restart", period=soft)) == ["0", "1"]


def test_a_channel_that_is_hidden_does_not_answer() -> None:
    index = Index()
    index.put([_said(0, "plan", channel="P1"), _said(1, "plan")])
    assert _ids(index, Question("plan", hidden=frozenset({"P1"}))) == ["1"]


def test_what_is_said_to_the_bot_answers_nothing() -> None:
    index = Index()
    index.put([_said(0, "zanzibar is down")])
    index.put([_said(1, "@U0BOT why is zanzibar down?").model_copy(update={"to_bot": True})])
    assert _ids(index, Question("zanzibar")) == ["0"]
    index.put([_said(0, "@U0BOT zanzibar").model_copy(update={"to_bot": True})])
    assert "zanzibar" not in index._lexical


def test_nothing_of_a_dropped_message_is_left() -> None:
    index = Index()
    index.put([_said(0, "zanzibar", user="zoe")])
    index.drop([("C1", "0")])
    assert len(index) == 0
    assert "zanzibar" not in index._lexical
    assert "zoe" not in index._people
    assert _ids(index, Question("zanzibar", channel="C1")) == []


def test_a_row_that_became_free_is_used_again() -> None:
    index = Index()
    for number in range(5):
        index.put([_said(number, f"word{number}")])
        index.drop([("C1", str(number))])
    index.put([_said(9, "last")])
    assert len(index._channel_of) == 1
    assert _ids(index, Question("last")) == ["9"]


def test_how_much_of_a_question_is_said_there_or_beside_it_is_told() -> None:
    index = Index()
    index.put([_said(0, "the ledger is slow"), _said(1, "since the migration"), _said(2, "lunch?", minute=900)])
    first, second = index.search(Question("ledger migration"), limit=2)
    assert first.covers == second.covers == 1
    (half,) = {hit.covers for hit in index.search(Question("ledger zeppelin"), limit=2)}
    assert 0 < half < 0.5  # what nobody ever said weighs more than what is known here


def test_a_name_in_the_question_is_nothing_that_must_be_covered() -> None:
    index = Index()
    index.put([_said(0, "restart payments", user="ben"), _said(500, "lunch", user="ana")])
    assert index.search(Question("what did ben restart"), limit=1)[0].covers == 1


def test_who_names_the_service_covers_a_question_about_it() -> None:
    index = Index()
    index.put([_said(0, "payments is odd"), _said(1, "indeed"), _said(500, "search is odd")])
    found = index.search(Question("PaymentErrors rate above ten odd", subject="payments"), limit=3)
    assert {hit.id for hit in found if hit.covers == 1} == {"0"}


def _reply(number: int, text: str, root: int) -> Message:
    return _said(number, text).model_copy(update={"thread": str(root)})


def test_a_reply_is_found_through_the_message_that_began_its_thread() -> None:
    index = Index()
    index.put([_said(1, "checkout is slow since the deploy"), _said(2, "who wants lunch"), _said(3, "me")])
    index.put([_reply(300, "turned the flag off, that fixed it", 1)])
    assert _ids(index, Question("checkout slow deploy"))[:2] == ["1", "300"]


def test_without_its_replies_a_message_stands_in_the_main_flow_again() -> None:
    index = Index()
    index.put([_reply(300, "turned the flag off", 1), _said(1, "checkout is slow"), _said(2, "who wants lunch")])
    assert "2" not in _ids(index, Question("checkout slow"))
    index.drop([("C1", "300")])
    assert _ids(index, Question("checkout slow")) == ["1", "2"]


def test_a_thread_outlives_the_message_that_began_it() -> None:
    index = Index()
    index.put([_said(1, "checkout is slow"), _reply(2, "since when", 1), _reply(3, "since the deploy", 1)])
    index.drop([("C1", "1")])
    assert _ids(index, Question("deploy")) == ["3", "2"]
    index.put([_said(1, "checkout is very slow")])
    assert set(_ids(index, Question("deploy"))) == {"3", "2", "1"}


def test_the_order_in_which_a_thread_arrives_does_not_matter() -> None:
    talk = [_said(1, "checkout is slow"), _reply(4, "the deploy", 1), _said(2, "lunch?"), _reply(9, "rolled back", 1)]
    answers = set()
    for order in permutations(talk):
        index = Index()
        index.put(order)
        index.drop([("C1", "9")])
        index.put([talk[3]])
        answers.add(tuple((hit.id, round(hit.score, 4)) for hit in index.search(Question("checkout"), limit=9)))
    assert len(answers) == 1
