"""What need not be read twice is folded, what no longer holds is marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.memory.folding import fold, marked, undoing
from bot.memory.reserved import TAUGHT
from bot.models import Message, Recalled

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def _said(text: str, minute: int = 0, *, thread: str | None = None, channel: str = "C1") -> Message:
    at = NOON + timedelta(minutes=minute)
    return Message(id=str(at.timestamp()), channel=channel, thread=thread, user="ana", text=text, sent_at=at)


def _found(*messages: Message) -> list[Recalled]:
    return [Recalled(message=message, score=1, why="wording") for message in messages]


def test_an_alert_that_repeats_with_another_number_is_told_once_with_its_latest() -> None:
    first, again = _said("payments error rate at 12%"), _said("payments error rate at 14%", 5)
    assert fold(_found(first, again)) == fold(_found(again, first)) == _found(again)


def test_what_two_people_say_with_other_figures_is_a_contradiction_and_shown() -> None:
    ana = _said("payments timeout is 30s")
    ben = _said("payments timeout is 60s", 5).model_copy(update={"user": "ben"})
    assert fold(_found(ana, ben)) == _found(ana, ben)
    assert fold(_found(ana, ben.model_copy(update={"text": ana.text}))) == _found(ana)


def test_two_lessons_with_other_figures_are_both_shown() -> None:
    lessons = _found(_said("the pool holds 50", channel=TAUGHT), _said("the pool holds 80", 5, channel=TAUGHT))
    assert fold(lessons) == lessons


@pytest.mark.parametrize("denial", ["the pool is not the cause", "the pool isn't the cause"])
def test_a_denial_is_not_the_same_as_what_it_denies(denial: str) -> None:
    both = _found(_said("the pool is the cause"), _said(denial, 5))
    assert fold(both) == both


def test_what_was_taken_back_carries_what_took_it_back() -> None:
    deployed, back = _said("deploying payments-api now"), _said("rolled back payments-api", 20)
    told = marked(_found(deployed, back), _found(deployed, back))
    assert [one.superseded_by for one in told] == ["2026-03-03 12:20 UTC ana: rolled back payments-api", None]


def test_two_different_statements_both_stay() -> None:
    both = _found(_said("deployed payments v2"), _said("orders are slow", 5))
    assert fold(both) == both


def test_a_deploy_that_was_rolled_back_is_marked() -> None:
    deployed, back = _said("deploying payments-api now"), _said("rolled back payments-api", 20)
    assert undoing(deployed, [deployed, back]) == back


def test_a_reply_in_the_thread_marks_what_it_answers() -> None:
    guess = _said("I think the cache is full")
    assert undoing(guess, [_said("that was wrong, see below", 3, thread=guess.id)]) is not None


def test_a_deploy_that_somebody_rolled_back_without_naming_it_is_marked_in_its_thread() -> None:
    deployed = _said("deploying payments-api now")
    assert undoing(deployed, [_said("I rolled it back", 20, thread=deployed.id)]) is not None


def test_what_came_before_marks_nothing() -> None:
    deployed = _said("deploying payments-api now", 10)
    assert undoing(deployed, [_said("rolled back payments-api", 0)]) is None


def test_another_matter_marks_nothing() -> None:
    deployed = _said("deploying payments-api now")
    assert undoing(deployed, [_said("rolled back orders", 5)]) is None
    assert undoing(deployed, [_said("rolled back payments-api", 5, channel="C2")]) is None
