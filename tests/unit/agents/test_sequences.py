"""Paths of requests through log lines: where they turn off, and that chance and drift turn nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agents.sequences import Sequences, Turn
from bot.telemetry.loglines import THREAD
from bot.telemetry.logs import stays

START = 1_000_000.0
BEFORE_S, WINDOW_S = 3600, 900
RECEIVED, CHECKED, CHARGED, ANSWERED, REFUSED = range(1, 6)
USUAL = (RECEIVED, CHECKED, CHARGED, ANSWERED)

Line = tuple[str, str, int, float]


def requests(path: Sequence[int], *, since: float, until: float, every_s: float = 3.0, tag: str = "") -> Iterator[Line]:
    """One request after another, each of which writes these lines within a tenth of a second."""
    for place in range(int((until - since) / every_s)):
        began = since + place * every_s
        for step, template in enumerate(path):
            yield "shop", f"{tag}{began}", template, began + step * 0.03


def before(path: Sequence[int] = USUAL) -> Iterator[Line]:
    return requests(path, since=START - BEFORE_S, until=START)


def window(path: Sequence[int] = USUAL) -> Iterator[Line]:
    return requests(path, since=START, until=START + WINDOW_S)


def turns(*parts: Iterable[Line], weight: float = 1.0) -> list[Turn]:
    sequences = Sequences(START)
    for part in parts:
        for service, trace, template, at in part:
            sequences.add(service, trace, template, at, weight=weight)
    return sequences.turns()


def test_requests_as_ever_turn_nowhere() -> None:
    assert turns(before(), window()) == []


def test_an_early_return_is_a_path_that_is_cut_short_behind_its_last_line() -> None:
    [turn] = turns(before(), window((RECEIVED, CHECKED)))
    assert (turn.kind, turn.after, turn.usual, turn.instead) == ("cut_short", CHECKED, CHARGED, "end")
    assert (turn.share_before, turn.share) == (1.0, 0.0)
    assert turn.score > 0.9
    assert turn.started_at == pytest.approx(START + 0.03)


def test_an_exception_is_another_path_to_a_line_that_never_came_there() -> None:
    [turn] = [turn for turn in turns(before(), window((RECEIVED, CHECKED, REFUSED))) if turn.after == CHECKED]
    assert (turn.kind, turn.usual, turn.instead) == ("other_path", CHARGED, REFUSED)


def test_a_line_that_is_left_out_is_skipped() -> None:
    [turn] = turns(before(), window((RECEIVED, CHARGED, ANSWERED)))
    assert (turn.kind, turn.after, turn.usual, turn.instead) == ("skipped", RECEIVED, CHECKED, CHARGED)


def test_two_lines_the_other_way_round_are_reordered() -> None:
    found = turns(before(), window((RECEIVED, CHARGED, CHECKED, ANSWERED)))
    assert found[0].kind == "reordered"
    assert {turn.after for turn in found if turn.kind == "reordered"} >= {RECEIVED}


def test_the_share_tells_how_many_requests_turn_off() -> None:
    half = [
        requests(USUAL, since=START, until=START + WINDOW_S, every_s=6),
        requests((RECEIVED, CHECKED), since=START + 3, until=START + WINDOW_S, every_s=6),
    ]
    [turn] = turns(before(), *half)
    assert turn.share == pytest.approx(0.5, abs=0.01)
    assert 0.3 < turn.score < 0.5


def test_a_branch_that_is_taken_by_chance_turns_nothing() -> None:
    chance = random.Random(5)  # noqa: S311

    def mixed(lines: Iterator[Line]) -> Iterator[Line]:
        for service, trace, template, at in lines:
            other = random.Random(trace).random() < 0.4  # noqa: S311
            yield service, trace, REFUSED if template == CHARGED and other else template, at + chance.random() * 0.001

    assert turns(mixed(before()), mixed(window())) == []


def test_what_drifted_before_by_itself_says_nothing() -> None:
    drifting = [
        requests(USUAL, since=START - BEFORE_S, until=START - BEFORE_S / 2),
        requests((RECEIVED, CHECKED, ANSWERED), since=START - BEFORE_S / 2, until=START),
    ]
    assert [turn for turn in turns(*drifting, window((RECEIVED, CHECKED, ANSWERED))) if turn.score > 0.1] == []


def test_a_request_that_the_window_cuts_in_two_is_no_short_one() -> None:
    slow = [("shop", f"slow{n}", t, START - 200 + n + t * 60) for n in range(100) for t in USUAL]
    assert turns(before(), slow, window()) == []


def test_requests_that_the_reading_cuts_are_not_short() -> None:
    """A stretch of its own long before, whose last requests were still going on when it ended."""
    first = START - 50_000
    stretch = [line for line in requests(USUAL, since=first, until=first + 600) if line[3] <= first + 597.04]
    assert turns(stretch, before(), window()) == []


def test_lines_that_only_name_a_thread_have_no_beginning_and_no_end() -> None:
    def of_thread(lines: Iterator[Line]) -> Iterator[Line]:
        return ((service, f"{THREAD}exec-1", template, at) for service, _, template, at in lines)

    assert turns(of_thread(before()), of_thread(window())) == []
    found = turns(of_thread(before()), of_thread(window((RECEIVED, CHECKED))))
    assert (found[0].after, found[0].usual, found[0].instead) == (CHECKED, CHARGED, RECEIVED)


def test_of_a_thinned_source_only_whole_traces_count() -> None:
    lines = [*before(), *window()]
    whole = [line for line in lines if stays(line[1], 4)]
    torn = [line for line in window() if not stays(line[1], 4) and line[2] == RECEIVED]
    assert turns(whole, torn, weight=4.0) == []
    assert turns(whole, torn) != []


def test_memory_is_bounded_and_whole_traces_stay() -> None:
    sequences = Sequences(START, max_steps=400)
    for part in (before(), window()):
        for line in part:
            sequences.add(*line)
    assert len(sequences._columns) <= 400
    assert sequences.turns() == []


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", None]), st.text("ab", max_size=2), st.integers(-3, 5), st.floats(-99, 99)),
        max_size=80,
    )
)
def test_any_lines_have_scores_between_0_and_1(found: list[tuple[str | None, str, int, float]]) -> None:
    sequences = Sequences(START)
    for service, trace, template, at in found:
        sequences.add(service, trace, template, START + at)
    assert all(0 < turn.score <= 1 and 0 <= turn.share <= 1 for turn in sequences.turns())
