"""Instants in the ways in which senders write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.moment import as_moment

INSTANT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "1773457061.0",
        "2026/03/14 02:57:41 GMT",
        "2026.03.14 02:57:41 UTC",
        "Sat Mar 14 02:57:41 UTC 2026",
        "Sat, 14 Mar 2026 02:57:41 +0000",
        "Sat, 14 Mar 2026 03:57:41 +01:00",
        "2026-03-14 02:57:41 +0000 UTC",
        "2026-03-14 03:57:41.000000000 +0100 CET",
        "03/13/2026 07:57:41 PM PDT",
        "Mar 13, 2026 21:57:41 EST",
        INSTANT,
    ],
)
def test_an_instant_is_read_in_any_of_its_forms(written: object) -> None:
    assert as_moment(written) == INSTANT


@pytest.mark.parametrize(
    "written", ["03/04/2026 02:57:41", "14/03/2026 02:57", "yesterday", "2026", "-1", "1" * 70, ""]
)
def test_what_could_mean_two_days_or_none_is_no_instant(written: str) -> None:
    assert as_moment(written) is None


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none())
def test_whatever_is_written_is_an_instant_or_none(written: object) -> None:
    assert as_moment(written) is None or isinstance(as_moment(written), datetime)
