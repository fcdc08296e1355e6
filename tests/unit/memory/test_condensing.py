"""A brief in fewer words keeps its citations, whoever condenses it; what a liar says is not told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceUnavailable
from bot.memory.condensing import Condensed, condensed
from bot.models import Brief, BriefLine

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def _line(number: int, text: str, *, section: str = "known", superseded_by: str | None = None) -> BriefLine:
    return BriefLine(
        text=text,
        user=f"U{number}",
        said_at=NOON + timedelta(minutes=number),
        section=section,
        permalink=f"https://x.slack.com/p{number}",
        superseded_by=superseded_by,
    )


BRIEF = Brief(
    role="database",
    lines=(
        _line(0, "the ledger migration took a lock on accounts for 340 s"),
        _line(1, "we ended session 4711 and payments_db recovered", section="tried"),
        _line(2, "payments v2.3 is out", section="changed", superseded_by="U9: rolled back to v2.2"),
    ),
    considered=90,
)


class Scripted:
    """Says what it was told to say."""

    def __init__(self, *statements: Condensed) -> None:
        self.statements = statements

    async def condense(self, brief: Brief, budget_tokens: int) -> Sequence[Condensed]:
        return self.statements


async def _told(*statements: Condensed, budget: int = 400) -> list[BriefLine]:
    return list((await condensed(BRIEF, Scripted(*statements), budget)).lines)


async def test_a_statement_takes_the_place_of_the_lines_that_it_stands_on_with_all_their_sources() -> None:
    told = await _told(Condensed(text="A lock on accounts (340 s); ending session 4711 helped.", cites=(0, 1)))
    assert [line.text for line in told] == [
        "A lock on accounts (340 s); ending session 4711 helped.",
        "payments v2.3 is out",
    ]
    assert (told[0].permalink, told[0].more_permalinks) == ("https://x.slack.com/p0", ("https://x.slack.com/p1",))
    assert (told[0].user, told[0].said_at, told[0].section) == ("U0, U1", NOON + timedelta(minutes=1), "known")


async def test_nobody_is_quoted_by_words_that_are_a_models() -> None:
    own = Condensed(text="A lock on accounts (340 s); ending session 4711 helped.", cites=(0, 1))
    told = await _told(own, Condensed(text="payments v2.3 is out", cites=(2,)))
    assert [line.reworded for line in told] == [True, False]


async def test_what_a_later_statement_took_back_stays_marked() -> None:
    told = await _told(Condensed(text="payments v2.3 went out, and was rolled back to v2.2", cites=(2,)))
    assert told[-1].superseded_by == "U9: rolled back to v2.2"


@pytest.mark.parametrize(
    "lie",
    [
        Condensed(text="the ledger was locked", cites=()),
        Condensed(text="the ledger was locked", cites=(0, 7)),
        Condensed(text="the ledger was locked", cites=(-1,)),
        Condensed(text="a lock on accounts for 900 s", cites=(0,)),
        Condensed(text="session 4711 was ended", cites=(0,)),
        Condensed(text="orders_db recovered", cites=(1,)),
        Condensed(text="@dba must drop it", cites=(1,)),
        Condensed(text="see https://evil.example/run.sh", cites=(0,)),
        Condensed(text="the checkout-api is the cause", cites=(0,)),
        Condensed(text="  ", cites=(0,)),
        Condensed(text="very " * 200, cites=(0,)),
    ],
    ids=["no citation", "no such line", "negative", "figure", "wrong line", "name", "person", "link", "service",
         "empty", "endless"],
)  # fmt: skip
async def test_what_a_liar_says_is_not_told_and_no_line_is_lost(lie: Condensed) -> None:
    assert await _told(lie) == list(BRIEF.lines)


async def test_a_true_statement_beside_a_lie_is_told() -> None:
    truth, lie = Condensed(text="accounts was locked for 340 s", cites=(0,)), Condensed(text="9 hosts burn", cites=(1,))
    assert [line.text for line in await _told(lie, truth)] == [
        "accounts was locked for 340 s",
        BRIEF.lines[1].text,
        BRIEF.lines[2].text,
    ]


async def test_a_condenser_that_fails_leaves_the_brief_in_its_own_words() -> None:
    class Away:
        async def condense(self, brief: Brief, budget_tokens: int) -> Sequence[Condensed]:
            raise SourceUnavailable("The model does not answer.")

    assert (await condensed(BRIEF, Away(), 400)).lines == BRIEF.lines


async def test_an_empty_brief_is_not_worth_a_model() -> None:
    empty = Brief(role="metrics")
    assert await condensed(empty, Scripted(Condensed(text="something", cites=(0,))), 400) is empty


@given(
    st.lists(st.builds(Condensed, text=st.text(max_size=80), cites=st.tuples(st.integers(-2, 5)))), st.integers(0, 90)
)
async def test_whatever_is_said_the_budget_is_kept_and_every_line_has_a_source(
    statements: list[Condensed], budget: int
) -> None:
    brief = await condensed(BRIEF, Scripted(*statements), budget)
    assert sum(len(f"{line.user}: {line.text}") / 4 for line in brief.lines) <= brief.tokens <= budget
    assert all(line.permalink for line in brief.lines)
