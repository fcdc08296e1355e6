"""Thoughts before an answer, and calls of tools that stand in its text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.written import calls_in, without_thoughts

NAMES = ("look_0_logs_look", "conclude")
CALL = '{"name": "look_0_logs_look", "arguments": {}}'


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('<think>Is it {the lock}? {"a": 1}</think>\n{"b": 2}', '\n{"b": 2}'),
        ('<THINKING>so</thinking><think>or so</think>{"b": 2}', '{"b": 2}'),
        ('The opening mark stood in the question {"a": 1}</think>{"b": 2}', '{"b": 2}'),
        ("<think>It never comes to an end {", ""),
        ('{"text": "the log says </think> and more"}', '{"text": "the log says </think> and more"}'),
        ('```json\n{"text": "</think>"}\n```', '```json\n{"text": "</think>"}\n```'),
        ("No thought at all.", "No thought at all."),
        ("", ""),
    ],
)
def test_thoughts_before_an_answer_are_no_part_of_it(said: str, answer: str) -> None:
    assert without_thoughts(said) == answer


@pytest.mark.parametrize(
    "said",
    [
        CALL,
        f"```json\n{CALL}\n```",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"[TOOL_CALLS][{CALL}]",
        '{"type": "function", "function": {"name": "look_0_logs_look", "arguments": "{}"}}',
        '{"name": "look_0_logs_look", "parameters": {}}',
        '{"name": "look_0_logs_look"}',
        f"I would look at the logs first: {CALL} and then decide.",
    ],
)
def test_a_call_is_found_in_a_text_however_it_is_marked(said: str) -> None:
    assert calls_in(said, NAMES) == [("look_0_logs_look", "{}")]


def test_several_calls_are_found_in_their_order() -> None:
    conclude = {"name": "conclude", "arguments": {"found": True, "cites": ["f1"], "why": "So."}}
    found = calls_in(f"<tool_call>{CALL}</tool_call><tool_call>{json.dumps(conclude)}</tool_call>", NAMES)
    assert [(name, json.loads(given)) for name, given in found] == [
        ("look_0_logs_look", {}), ("conclude", {"found": True, "cites": ["f1"], "why": "So."})
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        '{"name": "approve", "arguments": {}}',
        '{"claims": [{"name": "look_0_logs_look"}], "missing": []}',
        '{"name": ["look_0_logs_look"]}',
        "look_0_logs_look",
        '{"name": "look_0_logs_look"',
        "[" * 50_000 + "{" * 50_000,
    ],
)
def test_what_is_no_offered_tool_or_stands_within_an_answer_is_no_call(said: str) -> None:
    assert calls_in(said, NAMES) == []


@given(st.text(alphabet='{}[]":,<>/think namelook_0_logs_look', max_size=80))
def test_of_any_text_come_offered_names_alone(said: str) -> None:
    assert {name for name, _ in calls_in(without_thoughts(said), NAMES)} <= set(NAMES)
