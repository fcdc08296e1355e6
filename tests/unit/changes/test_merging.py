"""One change that several tell of is one; going back is a rollback."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.changes.change import LONGEST, Change
from bot.changes.merging import merged, recognised
from tests.unit.changes.outside import ONSET


def change(minutes_before: float, **fields: Any) -> Change:
    moment = ONSET - timedelta(minutes=minutes_before)
    return Change(**({"source": "github", "what": "checkout", "service": "checkout", "at": moment} | fields))


def test_what_ci_the_cluster_and_the_channel_tell_is_put_together() -> None:
    told = [
        change(8, source="kubernetes", before="v4.2.1", after="v4.3.0", who="kubectl-set"),
        change(9, after="a84d88e", who="mina", url="https://github.test/1", details=("#812 Retry",)),
        change(7, source="channel", what="checkout 4.3.0 deployed by mina", after="4.3.0"),
    ]
    (one,) = merged(told)
    assert one.source == "github, kubernetes, channel"
    assert (one.before, one.who, one.url) == ("v4.2.1", "mina", "https://github.test/1")
    assert one.at == ONSET - timedelta(minutes=9)


def test_other_services_versions_and_times_stay_apart() -> None:
    first = change(60, after="v1")
    others = [change(58, after="v2", source="k"), change(59, after="v1", service="stock", source="k"),
              change(30, after="v1", source="k"), change(59, kind="config", source="k")]  # fmt: skip
    assert len(merged([first, *others])) == 5


def test_two_of_one_source_are_two_unless_they_are_the_same() -> None:
    assert len(merged([change(9, after="v1"), change(8, after="v2")])) == 2
    assert len(merged([change(9, after="v1"), change(9, after="v1")])) == 1
    assert len(merged([change(9, kind="config", what="a"), change(9, kind="config", what="b")])) == 2


def test_the_version_before_again_is_a_rollback_that_undoes_what_it_goes_behind() -> None:
    bad = change(50, before="v4.2.1", after="v4.3.0")
    told = recognised([bad, change(40, kind="config"), change(30, after="4.2.1")])
    assert [(one.kind, undone) for one, undone in told] == [("deploy", True), ("config", False), ("rollback", False)]


def test_a_rollback_that_failed_undoes_nothing() -> None:
    bad = change(50, before="v1", after="v2")
    back = change(30, kind="rollback", before="v2", after="v1", outcome="failed")
    assert [undone for _, undone in recognised([bad, back])] == [False, False]


def test_outside_text_is_one_bounded_line_and_a_link_leads_to_the_web() -> None:
    odd = change(1, who="mi\x1b[31mna\n<b>" + "x" * 900, url="javascript:alert(1)", after="  ")
    assert odd.who is not None
    assert len(odd.who) == LONGEST
    assert odd.who.startswith("mi [31mna <b>")
    assert (odd.url, odd.after) == (None, None)


def test_of_many_details_a_few_are_kept_and_empty_ones_are_none() -> None:
    assert change(1, details=["", "  ", *"abcdefgh"]).details == tuple("abcde")
    assert change(1).but(details=["x" * 900, "\n"]).details == ("x" * (LONGEST - 1) + "…",)
