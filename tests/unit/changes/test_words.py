"""What plain words tell of a change."""

from __future__ import annotations

import pytest

from bot.changes.words import author_in, kind_of, outcome_in, versions_in


@pytest.mark.parametrize(("text", "kind"), [
    ("Deployed payments 4.2", "deploy"), ("rolling out the new gateway", "deploy"), ("Rolled back to 4.1", "rollback"),
    ("rolled it back", "rollback"),
    ("reverting #12", "rollback"), ("migration 0042 is running", "migration"), ("flipped FEATURE FLAG x", "flag"),
    ("upgraded Postgres", "infrastructure"), ("scaled payments to 6", "scale"), ("回滚到 4.1", "rollback"),
    ("已部署 4.2", "deploy"), ("lunch?", None), ("the employees like it", None), ("scaling is hard", None),
])  # fmt: skip
def test_the_kind_is_told_by_the_verb(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("checkout v4.2.1 → v4.3.0", ("v4.2.1", "v4.3.0")),
        ("from 4.2.1 to 4.3.0-rc.1", ("4.2.1", "4.3.0-rc.1")),
        ("deployed a84d88e -> 6dcb09b", ("a84d88e", "6dcb09b")),
        ("Deployed payments v12", (None, "v12")),
        ("deployed checkout 4.3.0 at 02:51", (None, "4.3.0")),
        ("deployed to 10 nodes", (None, None)),
        ("scaled payments to 6", (None, None)),
        ("see https://ci.test/1.2.3/x", (None, None)),
        ("deadbeef deeded", (None, None)),
    ],
)
def test_versions_are_read_from_what_looks_like_one(text: str, versions: tuple[str | None, str | None]) -> None:
    assert versions_in(text) == versions


def test_the_author_and_how_it_went() -> None:
    assert author_in("checkout 4.3.0 deployed by @mina.") == "mina"
    assert author_in("standby") is None
    assert [outcome_in(text) for text in ("deploying x", "deploy of x failed", "deployed x", "failed over to b")] == [
        "started", "failed", "succeeded", "succeeded",
    ]  # fmt: skip
