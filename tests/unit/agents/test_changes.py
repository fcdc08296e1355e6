"""What was changed shortly before the trouble began."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.changes import LOOK_BACK, MOST, STRONGEST, changes_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.models import Alert, Message, Report, Window

ONSET = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)


def scope(starts_at: datetime | None = ONSET) -> Scope:
    alert = Alert.model_validate(
        {"source": "t", "name": "A", "status": "firing", "fingerprint": "f", "starts_at": starts_at}
    )
    window = Window(start=ONSET - timedelta(minutes=15), end=ONSET + timedelta(minutes=1))
    baseline = Window(start=ONSET - timedelta(hours=1), end=window.start)
    return Scope("i", alert, "payments", Catalog(), window, baseline)


def said(text: str, *, minutes_before: float = 10, **fields: Any) -> Message:
    at = ONSET - timedelta(minutes=minutes_before)
    return Message(id=f"{minutes_before}", channel="C", user="tom", text=text, sent_at=at, **fields)


async def look(*messages: Message, when: datetime | None = ONSET) -> Report:
    def source(_: Scope) -> Callable[[datetime, datetime], Awaitable[list[Message]]]:
        async def heard(since: datetime, until: datetime) -> list[Message]:
            return [message for message in messages if since <= message.sent_at < until]

        return heard

    return await Toolbox(changes_tools(source)).use("changes.look", {}, scope(when))


@pytest.mark.parametrize(
    "text",
    ["Deployed payments 4.2", "rolling out the new gateway", "Rolled back to 4.1", "migration 0042 is running",
     "flipped FEATURE FLAG fast-pay", "upgraded Postgres", "scaled payments to 6", "已部署 4.2", "回滚到 4.1"],
)  # fmt: skip
async def test_an_announcement_is_a_change(text: str) -> None:
    (finding,) = (await look(said(text))).findings
    assert finding.facts["change_count"] == 1
    assert finding.score > 0


@pytest.mark.parametrize("text", ["lunch?", "the employees like it", "a configurable thing", "scaling is hard"])
async def test_talk_is_no_change(text: str) -> None:
    (finding,) = (await look(said(text))).findings
    assert (finding.score, finding.facts) == (0.0, {"change_count": 0})
    assert finding.title == "looked, and quiet: no change was announced in the 6 hours before"


async def test_the_nearer_the_change_the_stronger_the_suspicion() -> None:
    scores = [(await look(said("deployed 1", minutes_before=age))).findings[0].score for age in (0, 30, 60, 300)]
    assert scores[0] == STRONGEST
    assert scores[1] == pytest.approx(STRONGEST / 2)
    assert scores == sorted(scores, reverse=True)


async def test_what_was_changed_after_the_trouble_began_did_not_cause_it() -> None:
    report = await look(said("deployed a fix", minutes_before=-0.5))
    assert report.facts["change_count"] == 0


async def test_what_was_changed_long_ago_is_not_asked_for() -> None:
    too_old = LOOK_BACK.total_seconds() / 60 + 1
    assert (await look(said("deployed 1", minutes_before=too_old))).facts["change_count"] == 0


async def test_the_latest_change_is_the_title_and_each_is_evidence_with_its_link() -> None:
    messages = [said(f"deployed {n}", minutes_before=60 - n, permalink=f"https://s/{n}") for n in range(MOST + 3)]
    (finding,) = (await look(*reversed(messages))).findings
    assert finding.title == "Last announced change, 53 min before the alert: deployed 7"
    assert finding.started_at == messages[-1].sent_at
    assert [fact.url for fact in finding.evidence] == [f"https://s/{n}" for n in range(7, 2, -1)]
    assert finding.evidence[0].statement == "tom at 02:07 UTC: deployed 7"


async def test_an_alert_that_does_not_say_when_it_began_began_now() -> None:
    assert (await look(said("deployed 1", minutes_before=-0.5), when=None)).facts["change_count"] == 1


async def test_a_long_announcement_is_cut() -> None:
    report = await look(said("deployed " + "x" * 500))
    assert len(report.facts["last_change"]) == 160


async def test_without_a_source_it_says_that_it_sees_nothing() -> None:
    report = await Toolbox(changes_tools(None)).use("changes.look", {}, scope())
    assert report.findings == ()
    assert [gap.reason for gap in report.gaps] == ["no source of changes is configured"]
