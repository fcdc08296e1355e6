"""Whatever an incident holds, what is shown of it passes Slack's limits and calls nobody."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Step
from hypothesis import strategies as st

from bot.models import (
    Alert,
    AlertJoined,
    AlertStatus,
    Answered,
    Approved,
    Asked,
    Brief,
    Briefed,
    BriefLine,
    Endorsed,
    Event,
    Evidence,
    Executed,
    Executing,
    Expired,
    Finding,
    Found,
    Gap,
    HandedOver,
    Hypothesis,
    Incident,
    Noted,
    NotExecuted,
    Opened,
    OutcomeUnknown,
    Phase,
    Proposal,
    Proposed,
    Question,
    Ranked,
    Recorded,
    Rejected,
    Reopened,
    Resolved,
    Risk,
    Severity,
    Unanswered,
    Verification,
    Verified,
)
from bot.slack.blocks import Post
from bot.slack.desk import HomeContent
from bot.slack.limits import check_message, check_view
from bot.slack.views import modal, talk
from bot.slack.views.card import card
from bot.slack.views.drawing import drawing
from bot.slack.views.home import home
from bot.slack.views.proposal import proposal as proposal_view
from bot.slack.views.thread import message, next_turn
from tests.unit.slack.stories import NOW, incident

NASTY = {
    "calls": "<!channel> <!here> <@U0MINA> @everyone",
    "entities": "&<>" * 3000,
    "emoji": "😀" * 4000,
    "wide": "漢字" * 5000,
    "forged lines": "\n" * 5000 + "*Risk:* low",
    "reversed": "\u202e\x00",
    "long": "x" * 20_000,
    "blank": " ",
    "markup": "```` ` *_~",
    "address": "https://example.com/" + "a" * 5000,
}
# Drawn by name: hypothesis prints what it draws from.
texts = st.sampled_from(sorted(NASTY)).map(NASTY.__getitem__) | st.text(max_size=40)
names = texts.filter(bool)
instants = st.integers(-10_000_000, 10_000_000).map(lambda seconds: NOW + timedelta(seconds=seconds))
maybe_figure = st.none() | st.floats(allow_nan=False) | st.just(float("inf"))
shares = st.floats(0, 1)
actors = st.sampled_from(["U0MINA", "nightdesk", "<!channel>", ""]) | texts

alerts = st.builds(
    Alert,
    source=texts,
    name=names,
    status=st.sampled_from(AlertStatus),
    severity=st.none() | st.sampled_from(Severity),
    service=st.none() | texts,
    summary=st.none() | texts,
    starts_at=st.none() | instants,
    fingerprint=names,
    url=st.none() | texts | st.just("https://alerts.example.com/1?a=b&c=d"),
    runbook_url=st.none() | texts,
)
evidence = st.builds(
    Evidence, id=names, statement=texts, query=st.none() | texts, url=st.none() | texts, observed_at=instants,
    value=maybe_figure, baseline=maybe_figure, unit=st.none() | texts,
)  # fmt: skip
findings = st.builds(
    Finding, agent=st.sampled_from(["metrics", "logs", "database"]), title=texts, service=st.none() | texts,
    indicator=texts, kind=texts, score=shares, started_at=st.none() | instants,
    evidence=st.lists(evidence, max_size=3).map(tuple),
)  # fmt: skip
found = st.builds(
    Found, at=instants, agent=texts, findings=st.lists(findings, max_size=12).map(tuple), seconds=st.floats(0, 1e6),
    gaps=st.lists(st.builds(Gap, source=texts, reason=texts), max_size=8).map(tuple),
)  # fmt: skip
briefs = st.builds(
    Brief, role=texts, considered=st.integers(0, 10**6),
    lines=st.lists(
        st.builds(BriefLine, text=texts, user=actors, said_at=instants, permalink=st.none() | texts,
                  section=st.sampled_from(["known", "tried", "changed", "people", "recent"]) | texts,
                  superseded_by=st.none() | texts),
        max_size=30,
    ).map(tuple),
)  # fmt: skip
hypotheses = st.builds(
    Hypothesis, service=st.none() | texts, indicator=texts, kind=texts, statement=texts,
    score=shares, confidence=shares,
    evidence_for=st.lists(texts, max_size=6).map(tuple), evidence_against=st.lists(texts, max_size=6).map(tuple),
    empty=st.lists(texts, max_size=6).map(tuple),
)  # fmt: skip
PROPOSAL = "NDK4:p1"
verifications = st.builds(
    Verification, query=texts, threshold=st.floats(allow_nan=False), comparison=texts, window_s=st.floats(1, 1e6),
    unit=st.none() | texts, what=texts,
)  # fmt: skip
proposals = st.builds(
    Proposal, id=st.just(PROPOSAL), incident_id=st.just("NDK4"), action=texts, target=texts, effect=texts, why=texts,
    parameters=st.dictionaries(texts, texts | st.integers(), max_size=12), risk=st.sampled_from(Risk),
    risk_reasons=st.lists(texts, max_size=8).map(tuple), reversible=st.booleans(), blast_radius=texts, rollback=texts,
    evidence=st.lists(texts, max_size=8).map(tuple), confidence=shares,
    verification=st.none() | verifications,
    approvals_needed=st.integers(1, 3), approver_users=st.lists(actors, max_size=3).map(tuple),
    approver_groups=st.lists(texts, max_size=3).map(tuple), requested_by=st.none() | actors, playbook=st.none() | texts,
    proposed_at=instants, expires_at=instants, timeout_s=st.just(30.0), digest=st.just("a1b2c3d4" * 8),
)  # fmt: skip
about = {"at": instants, "actor": actors, "proposal_id": st.just(PROPOSAL)}
questions = st.builds(
    Question, id=st.just("NDK4.q1"), text=texts, answers=st.lists(texts, min_size=1, max_size=5).map(tuple),
    playbook=texts, node=texts, expires_at=instants,
)  # fmt: skip
later: st.SearchStrategy[Event] = st.one_of(
    st.builds(AlertJoined, at=instants, alert=alerts, why=texts),
    st.builds(Briefed, at=instants, brief=briefs),
    found,
    st.builds(Ranked, at=instants, hypotheses=st.lists(hypotheses, max_size=8).map(tuple), explanation=texts),
    st.builds(Proposed, at=instants, proposal=proposals),
    st.builds(Endorsed, digest=texts, **about),
    st.builds(Approved, digest=texts, **about),
    st.builds(Rejected, reason=texts, **about),
    st.builds(Expired, **about),
    st.builds(Executing, owner=texts, **about),
    st.builds(Executed, outcome=texts, **about),
    st.builds(NotExecuted, reason=texts, **about),
    st.builds(OutcomeUnknown, reason=texts, quarantined_until=instants, **about),
    st.builds(Verified, recovered=st.booleans(), before=maybe_figure, after=maybe_figure, unit=st.none() | texts,
              seconds=st.floats(0, 1e6), statement=texts, **about),
    st.builds(Resolved, at=instants, actor=actors, reason=texts),
    st.builds(Reopened, at=instants, alert=alerts),
    st.builds(HandedOver, at=instants, reason=texts),
    st.builds(Asked, at=instants, question=questions),
    st.builds(Answered, at=instants, actor=actors, question_id=st.just("NDK4.q1"), answer=texts),
    st.builds(Unanswered, at=instants, question_id=st.just("NDK4.q1")),
    st.builds(Noted, at=instants, actor=actors, text=texts),
)  # fmt: skip
opened = st.builds(Opened, at=instants, alert=alerts, service=st.none() | texts)
incidents = st.builds(
    lambda first, rest, phase: incident([first, *rest]).model_copy(update={"phase": phase}),
    opened, st.lists(later, max_size=14), st.sampled_from(Phase),
)  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # giant texts are the point
thorough = settings(
    max_examples=60,
    deadline=None,
    phases=[Step.explicit, Step.reuse, Step.generate, Step.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def require_harmless(shown: Any) -> None:
    told = json.dumps(shown, ensure_ascii=False)
    assert not re.search(r"<!(?:channel|here|everyone)", told)
    assert not re.search(r"@(?:channel|here|everyone)\b", told, re.IGNORECASE)
    assert "\u202e" not in told


def require_fit(shown: Post) -> None:
    check_message(shown.text, shown.blocks)
    assert shown.text.strip()
    require_harmless([shown.text, list(shown.blocks)])


@thorough
@given(incidents)
def test_the_card_of_any_incident_fits(of: Incident) -> None:
    require_fit(card(of))


@thorough
@given(texts, texts, st.none() | st.just("F0000001"))
def test_the_drawing_of_any_playbook_fits(title: str, words: str, file_id: str | None) -> None:
    require_fit(drawing(title, f"{title}\n✓ {words}\n▶ {words}", file_id))


@thorough
@given(incidents)
def test_every_message_of_any_thread_fits(of: Incident) -> None:
    history: tuple[Recorded, ...] = of.history
    while history:
        turn = next_turn(history)
        if told := message(turn, of, {"U0MINA": "mina <!here> @channel"}):
            require_fit(told)
        history = history[len(turn.recorded) :]


@thorough
@given(incidents, proposals)
def test_a_proposal_fits_and_never_loses_its_buttons(of: Incident, offered: Proposal) -> None:
    waiting = of.model_copy(update={"phase": Phase.AWAITING, "proposal": offered, "history": of.history[:1]})
    shown = proposal_view(offered, waiting)
    require_fit(shown)
    assert [element["style"] for element in shown.blocks[-1]["elements"]] == ["primary", "danger"]


@thorough
@given(proposals)
def test_the_dialog_for_a_reason_fits(offered: Proposal) -> None:
    view = modal.reject(offered, digest="a1b2", channel="C1", message_ts="1.2")
    check_view(view)
    require_harmless(view)


@thorough
@given(st.lists(incidents, max_size=3), st.lists(proposals, max_size=3), st.dictionaries(texts, texts, max_size=2))
def test_the_home_tab_fits(open_incidents: list[Incident], pending: list[Proposal], links: dict[str, str]) -> None:
    content = HomeContent(
        incidents=tuple(open_incidents), pending=tuple(pending), links={**links, "NDK4": NASTY["address"]}
    )
    view = home(content)
    check_view(view)
    require_harmless(view)


@thorough
@given(incidents, texts)
def test_short_answers_fit(of: Incident, words: str) -> None:
    require_fit(talk.said(talk.status((of,) * 20)))
    require_fit(talk.answer(words or "?"))


@pytest.mark.parametrize("count", [0, 1, 20, 50])
def test_a_full_home_tab_fits(count: int) -> None:
    busy = incident([Opened(at=NOW, alert=Alert(source="a", name="b", fingerprint="c", status=AlertStatus.FIRING))])
    view = home(HomeContent(incidents=(busy,) * count))
    check_view(view)
    assert len(view["blocks"]) <= 100
