"""The changes of a recorded case."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.changes.recorded import CHANGES, RecordedChanges
from bot.errors import BadInput, SourceUnavailable
from bot.models import Window

UNTIL = datetime(2026, 3, 1, 3, 15, tzinfo=UTC)
DAY = Window(start=UNTIL - timedelta(days=1), end=UNTIL)


def recorded(folder: Path, text: str) -> RecordedChanges:
    (folder / CHANGES).write_text(text)
    return RecordedChanges(folder, UNTIL)


async def test_the_changes_of_the_span_are_read_as_ci_posts_them(tmp_path: Path) -> None:
    told = [{"service": "shop", "from": "1", "to": "2", "at": f"2026-{day}T03:00:00Z"} for day in ("03-01", "02-01")]
    source = recorded(tmp_path, json.dumps(told))
    seen = await source.changes(DAY, ("shop",))
    assert [(one.service, one.kind, one.before, one.after) for one in seen.changes] == [("shop", "deploy", "1", "2")]
    assert await source.check() == "2 changes"


async def test_an_empty_list_says_that_nothing_was_changed(tmp_path: Path) -> None:
    assert (await recorded(tmp_path, "[]\n").changes(DAY, ())).changes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "JSON"), ('[{"kind": "deploy"}]', "Change 1: service"),
     ('[{"service": "shop", "at": "2027-01-01T00:00:00Z"}]', "future")],
)  # fmt: skip
async def test_what_is_no_list_of_changes_is_refused_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        await recorded(tmp_path, text).changes(DAY, ())
    assert str(tmp_path / CHANGES) in str(caught.value)


async def test_a_file_that_cannot_be_opened_is_a_gap(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"changes\.json cannot be opened"):
        await RecordedChanges(tmp_path, UNTIL).changes(DAY, ())
