"""Who hears of what, and which questions findings raise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.agents.board import Case, delivered, enquiries, onset_heard
from bot.catalog import Catalog, Database, Service
from bot.models import AgentName, Finding

ONSET = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
CATALOG = Catalog(
    services={"checkout": Service(depends_on=("payments",)), "payments": Service(databases=("payments-db",)),
              "web": Service(depends_on=("checkout",)), "mail": Service()},
    databases={"payments-db": Database(dsn_env="UNSET")},
)  # fmt: skip


def finding(
    agent: AgentName, *, kind: str = "latency", score: float = 0.8, before_min: float = 0, **more: Any
) -> Finding:
    began = ONSET - timedelta(minutes=before_min)
    given = {"service": "payments", "indicator": kind, "title": f"{kind} is off", "started_at": began, **more}
    return Finding(agent=agent, kind=kind, score=score, **given)


def raised(posted: Sequence[Finding], service: str | None = "payments") -> list[tuple[str, str, dict[str, Any]]]:
    found = enquiries(Case(posted, service, CATALOG, ONSET))
    return [(one.asker, one.tool, dict(one.parameters)) for one in found]


def looked(onset: datetime = ONSET) -> Finding:
    return finding("changes", kind="change", score=0.0, started_at=None, facts={"onset": onset.isoformat()})


def test_the_changes_agent_hears_of_onsets_and_of_nothing_else() -> None:
    early, weak = finding("metrics", before_min=30), finding("logs", score=0.1)
    timeless, own = finding("traces", started_at=None), finding("changes", kind="change")
    assert delivered("changes", [early, weak, timeless, own]) == (early,)


def test_who_has_subscribed_to_nothing_hears_nothing() -> None:
    assert delivered("database", [finding("metrics", before_min=30)]) == ()


def test_the_trouble_began_when_the_first_saw_it() -> None:
    heard = [finding("metrics", before_min=30), finding("logs", before_min=4)]
    assert onset_heard(ONSET, heard, ()) == ONSET - timedelta(minutes=30)
    assert onset_heard(ONSET, [finding("metrics", before_min=-5)], ()) == ONSET
    assert onset_heard(ONSET, [], ()) == ONSET


def test_what_began_in_a_service_that_has_nothing_to_do_with_it_is_another_trouble() -> None:
    heard = [finding("metrics", before_min=30, service="mail"), finding("logs", before_min=4)]
    assert onset_heard(ONSET, heard, ("payments", "payments-db")) == ONSET - timedelta(minutes=4)
    assert raised([looked(), finding("metrics", before_min=30, service="mail")]) == []
    assert raised([looked(), finding("metrics", before_min=30, service="payments-db")]) == [
        ("metrics", "changes.look", {})
    ]


def test_what_began_before_the_alert_raises_the_question_what_was_changed_before_that() -> None:
    posted = [looked(), finding("metrics", before_min=30), finding("logs", before_min=4)]
    assert raised(posted) == [("metrics", "changes.look", {})], "the earliest asks, and one question is enough"
    (enquiry,) = enquiries(Case(posted, "payments", CATALOG, ONSET))
    assert enquiry.words == "it began at 02:42 UTC, before the alert: what was changed before that?"


def test_since_when_a_session_is_idle_does_not_tell_when_the_trouble_began() -> None:
    idle = finding("database", kind="idle_in_transaction", service="payments-db", before_min=1440)
    assert delivered("changes", [idle]) == ()
    assert onset_heard(ONSET, [idle, finding("metrics", before_min=4)], ()) == ONSET - timedelta(minutes=4)
    assert raised([looked(), idle]) == []


def test_what_the_changes_agent_has_heard_already_is_not_asked_again() -> None:
    assert raised([finding("metrics", before_min=30), looked(ONSET - timedelta(minutes=30))]) == []


def test_an_onset_near_the_alert_asks_nothing_and_so_does_one_where_nobody_looked_for_changes() -> None:
    assert raised([looked(), finding("metrics", before_min=1)]) == []
    assert raised([finding("metrics", before_min=30)]) == []


def test_lines_about_locks_raise_a_question_to_the_database_where_nobody_has_asked_it() -> None:
    lines = finding("logs", kind="new_error", title="New: canceling statement due to lock timeout")
    assert raised([lines]) == [("logs", "database.blocking_sessions", {"database": "payments-db"})]
    assert raised([lines, finding("database", score=0.0)]) == []
    assert raised([finding("logs", kind="new_error", title="New: unlocked account blocked")]) == []
    assert raised([finding("logs", kind="new_error", title="New: lock timeout", service="mail")]) == []


def test_a_full_pool_raises_it_too() -> None:
    pool = finding("metrics", kind="saturation", indicator="payments_pool_waiting_requests")
    assert raised([pool]) == [("metrics", "database.blocking_sessions", {"database": "payments-db"})]


def test_a_service_whose_lines_nobody_read_is_asked_about() -> None:
    posted = [finding("logs", score=0.0), finding("traces", service="web")]
    assert raised(posted) == [("traces", "logs.new_templates", {"service": "web", "dependencies": False})]
    assert raised([finding("logs", score=0.0), finding("traces", service="payments")]) == []
    assert raised([finding("logs", score=0.0), finding("traces", service="nobody-knows")]) == []


def test_each_agent_asks_one_question_at_most() -> None:
    posted = [
        looked(),
        finding("logs", score=0.0),
        finding("metrics", before_min=30),
        finding("metrics", kind="saturation", indicator="pool connections"),
        finding("metrics", service="web"),
    ]
    assert [asker for asker, _, _ in raised(posted)] == ["metrics"]
