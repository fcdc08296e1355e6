"""Since when connections have been used up, as far as the sessions that are still here tell."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.agents.database.fullness import FULL, full_since
from bot.agents.database.postgres_sessions import connections
from bot.agents.database.subject import Subject, exhausted
from bot.models import Finding
from bot.telemetry.postgres_rows import Beginning, Connections, Holder

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)


def ago(*minutes: float) -> list[datetime]:
    return [AT - timedelta(minutes=one) for one in minutes]


def pool(minutes: float, count: int, role: str = "app", *, here: bool = True) -> list[Beginning]:
    return [Beginning(role=role, here=here, at=ago(minutes)[0]) for _ in range(count)]


def judged(used: Connections, *begun: Beginning, holder: Holder | None = None) -> Finding:
    return connections(Subject("payments", AT), used, [holder] if holder else [], begun)


def of(used: int, *, limit_here: int | None = None) -> Connections:
    return Connections(limit_total=43, reserved=3, used=used, used_here=used, active=1, idle=used - 1,
                       idle_in_transaction=0, limit_here=limit_here)  # fmt: skip


def test_it_is_full_from_the_beginning_of_the_one_that_makes_up_the_limit() -> None:
    assert full_since(ago(60, 50, 40, 30, 20), 4) == ago(30)[0]
    assert full_since(ago(20, 60, 40, 30, 50), 4) == ago(30)[0]


def test_where_those_who_are_still_here_do_not_make_up_the_limit_nobody_knows() -> None:
    assert full_since(ago(60, 50, 40), 4) is None


def test_sessions_that_take_turns_make_it_known_only_later() -> None:
    steady, turning = ago(60, 60, 60, 60), ago(60, 60, 60, 1)
    assert full_since(steady, 4) == ago(60)[0]
    assert full_since(turning, 4) == ago(1)[0]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60), st.integers(1, 60))
def test_from_then_on_it_was_never_below_the_limit(ages_s: list[int], limit: int) -> None:
    begun = [AT - timedelta(seconds=age) for age in ages_s]
    since = full_since(begun, limit)
    needed = max(1, math.ceil(FULL * limit))
    if since is None:
        assert len(begun) < needed
    else:
        assert sum(one <= since for one in begun) >= needed
        assert sum(one < since for one in begun) < needed


def test_the_server_is_full_since_its_last_slots_were_taken() -> None:
    full = judged(of(39), *pool(50, 30), *pool(20, 8))
    assert full.started_by == ago(20)[0]
    assert full.title.endswith("They have been as good as used up since 02:40 UTC at the latest.")
    assert judged(of(39), *pool(50, 30)).started_by is None


def test_a_server_that_refuses_us_says_since_when_where_that_was_earlier() -> None:
    now, earlier = (exhausted(Subject("payments", AT), "too many clients", ago(minutes)[0]) for minutes in (0, 7))
    assert [one.evidence[0].statement for one in (now, earlier)] == [
        "too many clients.", "too many clients. It refused us first at 02:53 UTC."
    ]  # fmt: skip


def test_each_limit_counts_those_whom_it_is_for() -> None:
    here = judged(of(10, limit_here=10), *pool(50, 40, here=False)[:20], *pool(20, 10))
    assert here.started_by == ago(20)[0]
    holder = Holder(role="app", application="shop", used=5, limit_role=5, used_role=5)
    assert judged(of(10), *pool(50, 20, role="batch"), *pool(20, 5), holder=holder).started_by == ago(20)[0]
