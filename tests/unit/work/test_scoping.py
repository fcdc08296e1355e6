"""Where and when an agent looks."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, Service
from bot.models import AlertJoined, Brief
from bot.settings import TriageSettings
from bot.work.scoping import LONGEST, scope_of, windows
from tests.unit.work.histories import NOW, after, alert, incident, opened

SETTINGS = TriageSettings(window_s=600, baseline_s=1800, agent_deadline_s=7)


def test_the_window_ends_now_and_the_baseline_ends_where_it_starts() -> None:
    window, baseline = windows(incident(opened()), after(60), SETTINGS)
    assert (window.end, window.seconds) == (after(60), 600)
    assert (baseline.end, baseline.seconds) == (window.start, 1800)


def test_an_alert_that_has_fired_for_long_widens_the_window_to_before_its_beginning() -> None:
    window, _ = windows(incident(opened()), after(1800), SETTINGS)
    assert window.start == NOW - timedelta(seconds=300)


def test_it_widens_only_so_far() -> None:
    window, _ = windows(incident(opened()), after(7 * 24 * 3600), SETTINGS)
    assert window.seconds == 600 * LONGEST


def test_an_alert_that_says_nothing_of_its_beginning_began_now() -> None:
    window, _ = windows(incident(opened(alert=alert(starts_at=None))), after(60), SETTINGS)
    assert window.seconds == 600


def test_an_alert_from_the_future_began_now() -> None:
    window, _ = windows(incident(opened(alert=alert(starts_at=after(3600)))), after(60), SETTINGS)
    assert window.end == after(60)
    assert window.seconds == 600


def test_the_latest_alert_of_the_incident_says_when() -> None:
    late = alert(fingerprint="g", starts_at=after(5000))
    joined = incident(opened(), AlertJoined(at=after(5000), alert=late, why="its group"))
    assert windows(joined, after(5060), SETTINGS)[0].seconds == 600


@given(began=st.integers(-(10**6), 10**6), window_s=st.floats(1, 10**5), baseline_s=st.floats(1, 10**5))
def test_whenever_it_began_the_window_is_sound(began: int, window_s: float, baseline_s: float) -> None:
    settings = TriageSettings(window_s=window_s, baseline_s=baseline_s)
    story = incident(opened(alert=alert(starts_at=after(began))))
    window, baseline = windows(story, NOW, settings)
    assert window.end == NOW
    assert window_s * 0.99 <= window.seconds <= window_s * LONGEST * 1.01
    assert baseline.end == window.start
    assert baseline.start < baseline.end


def test_an_agent_is_told_the_neighbourhood_and_its_own_brief() -> None:
    catalog = Catalog(services={"payments": Service(depends_on=("ledger",)), "ledger": Service()})
    brief = Brief(role="metrics")
    scope = scope_of(incident(opened()), catalog, SETTINGS, after(1), brief=brief)
    assert (scope.neighbourhood, scope.brief, scope.deadline_s) == (("payments", "ledger"), brief, 7)


def test_an_alert_about_nothing_that_is_known_has_no_neighbourhood() -> None:
    scope = scope_of(incident(opened(service=None)), Catalog(), SETTINGS, NOW)
    assert (scope.service, scope.neighbourhood) == (None, ())
