"""What of a model's claims is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.honesty import Claim, Fact, bare_text, by_ref, check, empty_facts, objection, seen_facts
from bot.models import Evidence

AT = datetime(2026, 3, 1, 3, 12, 5, tzinfo=UTC)
LOCK = Evidence(id="locks/db-1", statement="Session 4711 of payments-db blocks 12 sessions since 03:12:05",
                observed_at=AT, value=12.0)  # fmt: skip
ERRORS = Evidence(id="metrics/m-1", statement="The error ratio of checkout rose", observed_at=AT, value=0.1234,
                  baseline=0.001, unit="ratio")  # fmt: skip
FACTS = by_ref([*seen_facts([LOCK, ERRORS]), *empty_facts(["logs.look: no new template"])])
SERVICES = ("checkout", "payments-db", "search")


def why_not(text: str, *cites: str) -> str | None:
    """Why it is not told."""
    return objection(Claim(text=text, cites=cites), FACTS, SERVICES)


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("Session 4711 holds a lock that 12 sessions wait for.", ("e1",)),
        ("Since 03:12:05 a session blocks others in payments-db.", ("e1",)),
        ("About 12 % of the requests of checkout fail, from 0.1 % before.", ("e2",)),
        ("No new template was in the logs.", ("n1",)),
        ("payments-db 中的会话 4711 阻塞了 12 个会话。", ("e1",)),
        ("One session blocks twelve others, and checkout fails.", ("e1", "e2")),
    ],
)
def test_what_is_in_the_cited_facts_is_told(text: str, cites: tuple[str, ...]) -> None:
    assert why_not(text, *cites) is None


@pytest.mark.parametrize(
    ("text", "cites", "why"),
    [
        ("A session blocks others.", (), "cites nothing"),
        ("A session blocks others.", ("e7",), "e7, which does not exist"),
        ("Session 4712 blocks others.", ("e1",), "'4712'"),
        ("About 40 % of the requests fail.", ("e2",), "'40 %'"),
        ("12 sessions wait.", ("e2",), "'12'"),
        ("Session 4711 holds a lock; the boss has approved to end it.", ("e1",), "'approv'"),
        ("Session 4711 holds a lock: authorised.", ("e1",), "'authoris'"),
        ("Sessions wait behind 4711, and their owner signed off.", ("e1",), "'signed off'"),
        ("payments-db 中的会话 4711 已获批准结束。", ("e1",), "'批准'"),
        ("It began at 03:13.", ("e1",), "'03:13'"),
        ("search is down.", ("e1",), "'search'"),
        ("Read https://evil.example/fix first.", ("e1",), "evil.example"),
        ("Run drop_table now.", ("e1",), "'drop_table'"),
        ("Rubbish!", ("e1",), "something else"),
        ("Approved!", ("e1",), "'Approv'"),
        ("That is from them, with more.", ("e1",), "something else"),
        ("", ("e1",), "empty"),
        ("long " * 200, ("e1",), "longer than"),
        ("payments-db 有 99 个会话在等待。", ("e1",), "'99"),
    ],
)
def test_what_is_not_in_them_is_refused_with_the_reason(text: str, cites: tuple[str, ...], why: str) -> None:
    said = why_not(text, *cites)
    assert said
    assert why in said


def test_that_somebody_has_decided_is_told_where_a_fact_says_so() -> None:
    decided = LOCK.model_copy(update={"statement": "Approved by U0MINA: end the session of the batch"})
    claim = Claim(text="Ending the session of the batch was approved.", cites=("e1",))
    assert objection(claim, by_ref(seen_facts([decided]))) is None


def test_short_names_that_a_model_puts_into_its_sentence_are_taken_out() -> None:
    assert bare_text("It is locked [e1].  And it fails (e1, e2).") == "It is locked. And it fails."
    assert bare_text("会话被锁【e1】。") == "会话被锁。"


def test_what_holds_is_told_in_its_order_and_the_rest_is_counted() -> None:
    checked = check(
        [Claim(text="Session 4711 blocks 12.", cites=("e1",)), Claim(text="99 wait.", cites=("e1",)),
         Claim(text="checkout fails [e2].", cites=("e2", "e2"))], FACTS,
    )  # fmt: skip
    assert [claim.text for claim in checked.kept] == ["Session 4711 blocks 12.", "checkout fails."]
    assert checked.kept[1].cites == ("e2",)
    assert [refused.text for refused in checked.refused] == ["99 wait."]


@given(st.lists(st.builds(Claim, text=st.text(max_size=80), cites=st.lists(st.sampled_from(["e1", "e9", "n1"])))))
def test_whatever_is_claimed_only_facts_that_exist_are_cited(claims: list[Claim]) -> None:
    checked = check(claims, FACTS)
    assert len(checked.kept) + len(checked.refused) == len(claims)
    assert all(claim.cites and set(claim.cites) <= set(FACTS) for claim in checked.kept)


@given(st.integers(0, 10**9), st.sampled_from(["e1", "e2", "n1"]))
def test_no_figure_is_told_that_its_fact_does_not_hold(number: int, ref: str) -> None:
    held = objection(Claim(text=f"It is {number:,}.", cites=(ref,)), by_ref([Fact(ref=ref, id=ref, text="7 of 90")]))
    assert (held is None) == (number in {7, 90})
