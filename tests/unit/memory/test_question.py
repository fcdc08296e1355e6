"""What a question is about."""

from __future__ import annotations

import pytest

from bot.memory.question import matter_of


@pytest.mark.parametrize(
    "text",
    ["what was said?", "What did we talk about here?", "what went wrong?", "大家说了什么？", "有什么情况吗", "", "?"],
)
def test_who_only_asks_asks_for_whatever_there_was(text: str) -> None:
    assert matter_of(text) == ""


@pytest.mark.parametrize(
    ("text", "matter"),
    [
        ("what did we do about the reporting job?", "reporting job?"),
        ("网关证书什么时候过期？", "网关证书 过期？"),
        ("the pool", "pool"),
    ],
)
def test_what_is_named_is_what_it_is_about(text: str, matter: str) -> None:
    assert matter_of(text) == matter
