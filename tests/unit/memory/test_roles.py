"""Statements are sorted by their cues, in both languages."""

from __future__ import annotations

import pytest

from bot.memory.roles import section_of


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("restarted payments twice, no effect", "tried"),
        ("回滚了支付服务，没用", "tried"),
        ("rolled it back at 14:20", "tried"),
        ("deploying payments-api v2.3 to prod", "changed"),
        ("刚刚上线了新版本", "changed"),
        ("ask @maria, she owns the ledger", "people"),
        ("账务这块找李雷，他负责", "people"),
        ("the pool has 20 connections", "known"),
    ],
)
def test_a_statement_goes_where_its_words_point(text: str, section: str) -> None:
    assert section_of(text) == section
