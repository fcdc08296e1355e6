"""Names in questions, without taking words for names."""

from __future__ import annotations

import pytest

from bot.memory.people import People


def _people(*users: str) -> People:
    people = People()
    for user in users:
        people.add(user)
    return people


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("ana", "what did ana say"),
        ("ana", "Ana's idea"),
        ("Ana Lopez", "what did Lopez change"),
        ("U0123", "ask <@U0123>"),
        ("李雷", "李雷昨天改了什么"),
    ],
)
def test_a_person_is_named(user: str, text: str) -> None:
    assert _people(user).named_in(text) == [0]


@pytest.mark.parametrize(("user", "text"), [("ana", "the canary is analysed"), ("deploy-bot", "who did the deploy")])
def test_a_word_is_not_a_name(user: str, text: str) -> None:
    assert _people(user).named_in(text) == []


def test_a_question_for_the_encoder_names_nobody() -> None:
    assert _people("Ana Lopez", "ben").taken_out_of("What did Ana's team tell @ben about disks?") == (
        "What did team tell about disks?"
    )


def test_a_question_of_a_name_alone_stays() -> None:
    assert _people("ben").taken_out_of("ben") == "ben"


def test_who_has_no_message_left_is_not_known() -> None:
    people = _people("ana", "ana")
    people.drop("ana")
    assert "ana" in people
    people.drop("ana")
    assert "ana" not in people
