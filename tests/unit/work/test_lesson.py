"""What a person teaches when they speak to the bot."""

from __future__ import annotations

import pytest

from bot.work.lesson import Lesson, lesson_in


@pytest.mark.parametrize(
    "words",
    [
        "remember: never at noon",
        "@U0BOT remember: never at noon",
        "Please remember that never at noon",
        "记住：never at noon",
        "请记住，never at noon",
    ],
)
def test_what_is_to_be_remembered_is_a_lesson(words: str) -> None:
    assert lesson_in(words) == Lesson("never at noon")


@pytest.mark.parametrize("words", ["that was wrong because never at noon", "@U0BOT no, that's wrong: never at noon"])
def test_what_was_wrong_is_a_lesson_that_corrects(words: str) -> None:
    assert lesson_in(words) == Lesson("never at noon", corrects=True)


@pytest.mark.parametrize(
    "words", ["remember that outage last week?", "do you remember the outage", "remember", "is that wrong?", "@U0BOT"]
)
def test_a_question_is_no_lesson(words: str) -> None:
    assert lesson_in(words) is None
