"""What was changed shortly before the trouble began."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.changes import MOST, changes_tools
from bot.agents.changes_weighing import CALLER, FARTHER, LATE, STRONGEST, UNPLACED
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.changes.change import Change, Seen
from bot.errors import SourceUnavailable
from bot.models import Alert, Finding, Gap, Report, Window

ONSET = datetime(2026, 5, 1, 2, 55, tzinfo=UTC)
CATALOG = Catalog.model_validate(
    {
        "services": {
            "front": {"depends_on": ["checkout"]},
            "checkout": {"depends_on": ["payments"], "aliases": ["shop"]},
            "payments": {"databases": ["ledger-db"]},
            "stranger": {},
        },
        "databases": {"ledger-db": {"dsn_env": "X"}},
    }
)


class Source:
    """Knows what the test says, or fails as a source fails."""

    def __init__(self, *changes: Change, name: str = "github", failure: Exception | None = None) -> None:
        self.name = name
        self.known = changes
        self.failure = failure
        self.asked: list[tuple[Window, tuple[str, ...]]] = []

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:
        self.asked.append((span, tuple(services)))
        if self.failure:
            raise self.failure
        return Seen(tuple(change for change in self.known if span.start <= change.at < span.end))

    async def check(self) -> str:
        return "well"


def scope(
    starts_at: datetime | None = ONSET,
    service: str | None = "checkout",
    deadline_s: float = 10,
    seen_min_before: float | None = None,
) -> Scope:
    """What the agent is sent out with; others may have seen the trouble begin before the alert says."""
    alert = Alert.model_validate(
        {"source": "t", "name": "A", "status": "firing", "fingerprint": "f", "starts_at": starts_at}
    )
    window = Window(start=ONSET - timedelta(minutes=15), end=ONSET + timedelta(minutes=1))
    baseline = Window(start=ONSET - timedelta(hours=1), end=window.start)
    heard = () if seen_min_before is None else (seen(ONSET - timedelta(minutes=seen_min_before)),)
    return Scope("i", alert, service, CATALOG, window, baseline, heard=heard, deadline_s=deadline_s)


def seen(began: datetime) -> Finding:
    return Finding(
        agent="metrics", title="p95 rose", service="checkout", indicator="p95", kind="latency", score=0.8,
        started_at=began,
    )  # fmt: skip


def changed(minutes_before: float = 4, **fields: Any) -> Change:
    moment = ONSET - timedelta(minutes=minutes_before)
    given = {"source": "github", "what": "checkout", "service": "checkout", "at": moment}
    return Change(**(given | fields))


async def look(*changes: Change, given: Scope | None = None) -> Report:
    return await Toolbox(changes_tools([Source(*changes)])).use("changes.look", {}, given or scope())


async def test_it_says_what_was_deployed_from_what_to_what_by_whom_and_how_long_before() -> None:
    report = await look(
        changed(before="v4.2.1", after="v4.3.0", who="mina", url="https://ci/9", details=("#812 Retry",))
    )
    (finding,) = report.findings
    said = "checkout v4.2.1 → v4.3.0 was deployed by mina at 02:51 UTC, 4 min before the trouble began"
    assert finding.title == said
    assert (finding.service, finding.kind, finding.indicator) == ("checkout", "change", "deploy")
    assert finding.started_at == ONSET - timedelta(minutes=4)
    (evidence,) = finding.evidence
    assert (evidence.statement, evidence.url) == (f"{said} (#812 Retry)", "https://ci/9")
    assert report.facts.items() >= {
        "change_count": 1, "suspect": "checkout v4.2.1 → v4.3.0", "suspect_kind": "deploy", "suspect_by": "mina",
        "suspect_before": "v4.2.1", "suspect_after": "v4.3.0", "last_change_age_s": 240.0,
    }.items()  # fmt: skip


async def test_the_nearer_the_change_the_stronger_the_suspicion() -> None:
    scores = [(await look(changed(age))).findings[0].score for age in (0, 30, 60, 300)]
    assert scores[0] == STRONGEST
    assert scores[1] == pytest.approx(STRONGEST / 2)
    assert scores == sorted(scores, reverse=True)


async def test_what_was_changed_after_the_trouble_began_did_not_cause_it() -> None:
    (finding,) = (await look(changed(-0.5))).findings
    assert (finding.score, finding.facts["change_count"]) == (0.0, 0)
    assert finding.title == "no change of checkout or of what it depends on in the 6 hours before the trouble began"


async def test_what_came_after_an_onset_that_others_saw_and_before_the_alert_may_have_made_it_worse() -> None:
    (finding,) = (await look(changed(7, after="v2"), given=scope(seen_min_before=30))).findings
    assert finding.score == pytest.approx(STRONGEST * LATE * 0.5 ** (7 / 30), abs=1e-4)
    assert finding.title == (
        "checkout v2 was deployed at 02:48 UTC, 23 min after the trouble began and 7 min before the alert; "
        "it may have made it worse"
    )
    assert finding.facts["last_change_age_s"] == -23 * 60


async def test_a_change_before_that_onset_leads_and_one_after_the_alert_is_none() -> None:
    given = scope(seen_min_before=30)
    report = await look(changed(32, after="v2"), changed(2, after="v3"), changed(-0.5, after="v4"), given=given)
    (finding,) = report.findings
    assert finding.title == "checkout v2 was deployed at 02:23 UTC, 2 min before the trouble began"
    assert [fact.statement[:11] for fact in finding.evidence] == ["checkout v2", "checkout v3"]
    assert finding.facts["change_count"] == 2


async def test_a_rollback_after_the_trouble_began_acquits_nobody() -> None:
    bad, back = changed(40, before="v1", after="v2"), changed(10, before="v2", after="v1")
    (finding,) = (await look(bad, back, given=scope(seen_min_before=30))).findings
    assert finding.title == "checkout v1 → v2 was deployed at 02:15 UTC, 10 min before the trouble began"
    assert "was rolled back at 02:45 UTC, 20 min after the trouble began" in finding.evidence[1].statement


@pytest.mark.parametrize(
    ("on", "share"),
    [
        ("checkout", 1.0),
        ("SHOP", 1.0),
        ("payments", FARTHER),
        ("ledger-db", FARTHER**2),
        ("front", CALLER),
        (None, UNPLACED),
    ],
)
async def test_upstream_in_the_topology_counts_nearly_as_much_and_a_caller_less(on: str | None, share: float) -> None:
    (finding,) = (await look(changed(0, service=on, what="it"))).findings
    assert finding.score == pytest.approx(STRONGEST * share, abs=1e-4)


async def test_a_change_that_it_has_nothing_to_do_with_is_none() -> None:
    assert (await look(changed(service="stranger"), changed(service="unheard-of"))).facts["change_count"] == 0


async def test_each_service_has_its_finding_and_the_nearest_leads() -> None:
    report = await look(changed(20, service="payments", what="payments"), changed(5), changed(50))
    assert [finding.service for finding in report.findings] == ["checkout", "payments"]
    assert [len(finding.evidence) for finding in report.findings] == [2, 1]
    assert report.findings[1].title.endswith("20 min before the trouble began – checkout stands on it")
    assert report.facts["change_count"] == 3


async def test_a_release_that_was_rolled_back_is_said_to_be_undone_and_suspected_less() -> None:
    report = await look(changed(40, before="v1", after="v2"), changed(20, before="v2", after="v1", who="mina"))
    (finding,) = report.findings
    assert finding.title == "checkout v2 → v1 was rolled back by mina at 02:35 UTC, 20 min before the trouble began"
    assert finding.evidence[1].statement.endswith("; it was rolled back since")


async def test_a_failed_deploy_and_one_under_way_are_told_as_such() -> None:
    assert "was deployed without success at" in (await look(changed(outcome="failed"))).findings[0].title
    assert "was being deployed at" in (await look(changed(outcome="started"))).findings[0].title
    configured = await look(changed(kind="config", what="ConfigMap shop-env"))
    assert configured.findings[0].title.startswith("ConfigMap shop-env was changed at")


async def test_an_announcement_without_versions_is_quoted_without_its_secrets() -> None:
    said = changed(source="channel", kind="migration", what="migration 42 runs, password=hunter2", who="tom")
    (finding,) = (await look(said)).findings
    words = "tom announced at 02:51 UTC, 4 min before the trouble began: migration 42 runs, password="
    assert finding.title.startswith(words)
    assert "hunter2" not in finding.model_dump_json()


async def test_an_alert_that_does_not_say_when_it_began_began_now() -> None:
    assert (await look(changed(-0.5), given=scope(starts_at=None))).facts["change_count"] == 1


async def test_at_most_so_many_of_one_service_are_shown() -> None:
    (finding,) = (await look(*(changed(age, after=str(age)) for age in range(1, MOST + 4)))).findings
    assert len(finding.evidence) == MOST
    assert len({fact.id for fact in finding.evidence}) == MOST
    assert finding.facts["change_count"] == MOST + 3


async def test_a_source_that_fails_or_hangs_is_a_gap_and_the_others_still_count() -> None:
    class Hanging(Source):
        async def changes(self, span: Window, services: Sequence[str]) -> Seen:
            await asyncio.Event().wait()
            raise AssertionError

    down = Source(name="gitlab", failure=SourceUnavailable("gitlab answered 503: try later"))
    tools = changes_tools([Source(changed()), down, Hanging(name="argo")])
    report = await Toolbox(tools).use("changes.look", {}, scope(deadline_s=0.2))
    assert len(report.findings) == 1
    assert report.gaps == (
        Gap(source="gitlab", reason="gitlab answered 503: try later"),
        Gap(source="argo", reason="no answer within 0.2 s (is it overloaded?)"),
    )


async def test_recent_looks_farther_back_at_the_service_that_is_named() -> None:
    source = Source(changed(60 * 20, service="payments", what="payments"))
    box = Toolbox(changes_tools([source]))
    report = await box.use("changes.recent", {"service": "Payments", "hours": 48}, scope())
    assert report.findings[0].title == "payments was deployed at 06:55 UTC, 20 h before the trouble began"
    assert source.asked[0] == (
        Window(start=ONSET - timedelta(hours=48), end=ONSET + timedelta(minutes=1)),
        ("payments",),
    )
    unknown = await box.use("changes.recent", {"service": "nope"}, scope())
    assert "'nope' is not in the service catalogue" in unknown.gaps[0].reason


async def test_without_a_source_it_says_that_it_sees_nothing() -> None:
    report = await Toolbox(changes_tools(())).use("changes.look", {}, scope())
    assert report.findings == ()
    assert [gap.reason for gap in report.gaps] == ["no source of changes is configured: see docs/changes.md"]


async def test_a_change_of_a_caller_says_that_it_calls() -> None:
    (finding,) = (await look(changed(service="front", what="front"))).findings
    assert finding.title.endswith("4 min before the trouble began – it calls checkout")


@pytest.mark.parametrize(
    ("minutes_before", "when"),
    [(0, "just as the trouble began"), (0.3, "just as the trouble began"), (2, "2 min before the trouble began")],
)
async def test_what_came_at_the_same_moment_is_not_told_as_a_minute_before(minutes_before: float, when: str) -> None:
    assert (await look(changed(minutes_before))).findings[0].title.endswith(when)


async def test_where_nobody_could_be_asked_it_does_not_say_that_nothing_was_changed() -> None:
    down = Source(name="gitlab", failure=SourceUnavailable("gitlab answered 503: try later"))
    nobody = await Toolbox(changes_tools([down])).use("changes.look", {}, scope())
    assert (nobody.findings, nobody.facts) == ((), {})
    one_of_two = await Toolbox(changes_tools([down, Source()])).use("changes.look", {}, scope())
    assert one_of_two.findings[0].title.endswith("hours before the trouble began, as far as could be seen")
