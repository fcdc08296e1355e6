"""Greetings, thanks and orders are told from questions."""

from __future__ import annotations

import pytest

from bot.work.smalltalk import is_greeting, is_order, is_thanks

GREETINGS = ("hi", "Hello!", "hey there 👋", "good morning all", "are you there?", "你好", "在吗？", "hi :wave:")
THANKS = (
    "thanks",
    "Thank you so much!",
    "thx :pray:",
    "ok, thanks",
    "great, that helped",
    "good bot",
    "谢谢你",
    "辛苦了！",
)
ORDERS = (
    "restart payments now", "please roll back checkout", "can you restart payments?", "Kill session 4711",
    "scale payments to 5", "just approve it", "go ahead and reject", "hey, could you please reboot mail?", "请重启支付",
    "rollback checkout, it is broken",
)  # fmt: skip
QUESTIONS = (
    "hi, why is checkout slow?", "thanks, and what about mail?", "why is checkout slow?", "who restarted payments?",
    "rollback of checkout failed", "restart?", "restart payments or not?", "restarts of payments", "is mail up",
    "deploy of checkout was at 14:00", "kill rate", "上次重启了吗？", "great, but checkout is still slow", "",
)  # fmt: skip


@pytest.mark.parametrize("words", GREETINGS)
def test_a_greeting_is_one(words: str) -> None:
    assert (is_greeting(words), is_thanks(words), is_order(words)) == (True, False, False)


@pytest.mark.parametrize("words", THANKS)
def test_thanks_are_thanks(words: str) -> None:
    assert (is_greeting(words), is_thanks(words), is_order(words)) == (False, True, False)


@pytest.mark.parametrize("words", ORDERS)
def test_an_order_is_one_however_politely_it_is_put(words: str) -> None:
    assert (is_greeting(words), is_thanks(words), is_order(words)) == (False, False, True)


@pytest.mark.parametrize("words", QUESTIONS)
def test_whatever_asks_or_tells_something_is_none_of_them(words: str) -> None:
    assert (is_greeting(words), is_thanks(words), is_order(words)) == (False, False, False)


@pytest.mark.parametrize("endless", ["go and " * 9000, "!" * 40_000, "thanks thanks " * 3000, "hi" + "🙂" * 9000])
def test_a_message_without_end_is_no_small_talk(endless: str) -> None:
    assert (is_greeting(endless), is_thanks(endless), is_order(endless)) == (False, False, False)
