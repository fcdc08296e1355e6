"""Two talks run through one channel; each is found whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.memory.conversation import talk_around, talk_of
from bot.memory.tokens import Tokenizer
from bot.models import Message

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def _said(minute: int, user: str, text: str, thread: str | None = None) -> Message:
    return Message(
        id=str(minute), channel="C1", user=user, text=text, thread=thread, sent_at=NOON + timedelta(minutes=minute)
    )


KAFKA = [
    _said(0, "ana", "kafka lag keeps growing on order-events"),
    _said(2, "ben", "ana: is one consumer stuck?"),
    _said(4, "ana", "ben: the whole group is rebalancing"),
]
BILLING = [
    _said(1, "cho", "invoices were sent twice today"),
    _said(3, "dan", "cho: did the cron job run on both nodes?"),
    _said(5, "cho", "dan: yes, both"),
]
CHANNEL = sorted([*KAFKA, *BILLING], key=lambda message: message.sent_at)


def _best(call: Message, count: int) -> set[str]:
    return {each.message.text for each in talk_around(call, CHANNEL, Tokenizer())[:count]}


def test_the_talk_of_an_author_and_those_who_answer_is_found() -> None:
    assert _best(_said(6, "ana", "any idea?"), 3) == {message.text for message in KAFKA}


def test_the_partners_talk_is_found_from_the_other_side() -> None:
    assert _best(_said(6, "dan", "then it needs a lock"), 3) == {message.text for message in BILLING}


def test_a_mention_in_the_call_counts() -> None:
    assert "ben: the whole group is rebalancing" in _best(_said(6, "eve", "ana: which consumer group?"), 2)


def test_a_thread_beats_everything() -> None:
    answered = _said(-500, "ana", "the disk is full")
    call = _said(6, "eve", "cleaned up", thread=answered.id)
    assert talk_around(call, [answered, *CHANNEL], Tokenizer())[0].message == answered


def test_where_nobody_has_spoken_there_is_no_talk() -> None:
    assert talk_around(_said(0, "ana", "hello?"), [], Tokenizer()) == []


def test_an_old_talk_is_recovered_whole_from_any_line_of_it() -> None:
    for line in KAFKA:
        assert talk_of(line, CHANNEL, Tokenizer(), most=2) == KAFKA


def test_what_stands_beside_an_old_talk_by_chance_is_no_part_of_it() -> None:
    by_chance = [_said(-20, "eve", "lunch?"), _said(30, "eve", "standup moves to ten")]
    said = sorted([*KAFKA, *by_chance], key=lambda message: message.sent_at)
    assert talk_of(KAFKA[1], said, Tokenizer(), most=9) == KAFKA
