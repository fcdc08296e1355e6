"""The metrics agent on ready-made series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.agents.change import NOTICEABLE
from bot.agents.departure import LEAST_SHARE, departure
from bot.agents.deviation import score_of
from bot.agents.fusion import FAINT
from bot.agents.looks import Look
from bot.agents.measures import measured, measures_tools
from bot.agents.metered import Metered, by_name
from bot.agents.quantities import Quantity
from bot.agents.quiet import ROOM, quiet_scopes
from bot.agents.scope import Scope
from bot.agents.silence import UP
from bot.catalog import Catalog, Service
from bot.errors import SourceUnavailable
from bot.models import Alert, AlertStatus, Report, Window
from bot.telemetry.series import Series

AT = datetime(2026, 5, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
POINTS, INSIDE = 40, 4
CATALOG = Catalog(
    services={"web": Service(depends_on=("pay",)), "pay": Service(depends_on=("bank",)), "bank": Service(),
              "mail": Service()}
)  # fmt: skip


def at(place: int) -> datetime:
    return AT + place * STEP


SCOPE = Scope(
    incident_id="i",
    alert=Alert(source="generic", name="Slow", status=AlertStatus.FIRING, fingerprint="f", service="web"),
    service=None,
    catalog=CATALOG,
    window=Window(start=at(POINTS - INSIDE), end=at(POINTS)),
    baseline=Window(start=at(0), end=at(POINTS - INSIDE)),
)


def series(service: str, metric: str, usual: float, now: float | None = None, **labels: str) -> Series:
    """Noise of 5 % around a level, and another level in the window."""
    noise = 1 + 0.05 * np.sin(np.arange(POINTS) * 7.0)
    values = usual * noise
    if now is not None:
        values[-INSIDE:] = now * noise[-INSIDE:]
    times = np.array([at(place).timestamp() for place in range(POINTS)])
    return Series({"service": service, "metric": metric, **labels}, times, values)


class Told:
    """A source that has been told its series."""

    name = "told"

    def __init__(self, known: Sequence[Series]) -> None:
        self._known = tuple(known)

    async def read(self) -> tuple[Series, ...]:
        if not self._known:
            raise SourceUnavailable("There is nothing.")
        return self._known


async def look(*known: Series) -> Report:
    (tool,) = measures_tools(Told(known))
    return await tool.run(Look(), SCOPE)


async def found(*known: Series) -> Mapping[tuple[str | None, str], float]:
    report = await look(*known)
    return {(one.service, one.kind): one.deviations or 0.0 for one in report.findings if one.score > 0}


def of(service: str, metric: str = "latency_p90", usual: float = 0.1, now: float | None = None) -> Series:
    return series(service, metric, usual, now)


async def test_of_a_slow_chain_the_deepest_keeps_most_of_its_deviation() -> None:
    deviations = await found(of("web", now=2.2), of("pay", now=2.1), of("bank", now=2.0), of("mail"))
    assert max(deviations, key=lambda key: deviations[key]) == ("bank", "latency")
    assert ("mail", "latency") not in deviations


async def test_a_caller_that_is_slower_than_its_callees_explain_keeps_its_own_part() -> None:
    deviations = await found(of("web", now=0.1), of("pay", now=9.0), of("bank", now=0.3), of("mail"))
    assert max(deviations, key=lambda key: deviations[key]) == ("pay", "latency")


async def test_success_that_falls_is_a_fault_and_success_that_rises_is_none() -> None:
    deviations = await found(of("pay", "availability", 90.0, 40.0), of("bank", "availability", 50.0, 90.0))
    assert list(deviations) == [("pay", "error_rate")]


async def test_who_is_slow_by_what_others_do_is_told_as_feeling_it() -> None:
    deviations = await found(of("web", now=0.4), of("pay", now=0.4), of("bank", now=0.4), of("mail"))
    assert {key for key in deviations if key[0] == "web"} <= {("web", "felt_latency"), ("web", "latency")}
    assert deviations["bank", "latency"] == max(deviations.values())


async def test_a_share_of_few_requests_is_no_exact_one() -> None:
    fails = of("pay", "availability", 90.0, 40.0), of("web")
    few, many = await found(*fails, of("pay", "requests_sum", 4.0)), await found(*fails, of("pay", "requests_sum", 4e3))
    assert many["pay", "error_rate"] < 2 * few["pay", "error_rate"] < 0


async def test_calls_that_are_made_several_times_a_request_explain_so_much_more() -> None:
    slow = of("web", now=0.95), of("pay", now=0.4), of("bank"), of("mail"), of("web", "requests", 100.0)
    once, thrice = await found(*slow, of("pay", "requests", 100.0)), await found(*slow, of("pay", "requests", 300.0))
    assert thrice.get(("web", "latency"), 0.0) < once["web", "latency"]


async def test_load_that_callers_bring_is_theirs() -> None:
    deviations = await found(
        *(of(service, "requests", 100.0, 300.0) for service in ("web", "pay", "bank")), of("mail", "requests")
    )
    assert max(deviations, key=lambda key: deviations[key]) == ("web", "traffic_surge")


async def test_time_between_the_ends_of_a_call_is_told_of_its_callee() -> None:
    outer = [series("web", "outgoing_call_p50_seconds", 0.01, 0.4, peer="pay"),
             series("web", "outgoing_call_p50_seconds", 0.01, peer="mail")]  # fmt: skip
    inner = [series("pay", "incoming_call_p50_seconds", 0.009, peer="web"),
             series("mail", "incoming_call_p50_seconds", 0.009, peer="web")]  # fmt: skip
    deviations = await found(*outer, *inner)
    assert deviations["pay", "call_gap"] > deviations.get(("web", "call_gap"), 0.0)
    assert ("pay", "latency") not in deviations


async def test_where_nothing_deviates_it_says_that_it_looked() -> None:
    report = await look(of("web"), of("pay"))
    (only,) = report.findings
    assert (only.score, only.title) == (0.0, "Series: looked, and normal – 2 compared")


async def test_it_knows_what_quiet_times_bring() -> None:
    report = await look(of("web"), of("pay", now=3.0))
    assert max(report.findings[0].facts["quiet_evidence"]) < 0.5


async def test_it_knows_what_the_alerted_service_feels_whoever_explains_it() -> None:
    calm, slow = await look(of("web"), of("pay", now=3.0)), await look(of("web", now=3.0), of("pay", now=3.0))
    assert calm.findings[0].facts["felt_deviations"] < NOTICEABLE < slow.findings[0].facts["felt_deviations"]


async def test_a_source_without_series_is_a_gap() -> None:
    report = await look()
    assert [gap.reason for gap in report.gaps] == ["There is nothing."]


async def test_series_that_begin_in_the_window_are_passed_over() -> None:
    late = of("pay", now=5.0)
    late.values[:-INSIDE] = np.nan
    assert await found(late, of("web")) == {}


def test_the_quiet_windows_are_as_long_as_the_incidents_and_lie_outside_of_it() -> None:
    calm = list(quiet_scopes(SCOPE))
    assert calm
    assert {one.window.seconds for one in calm} == {SCOPE.window.seconds}
    assert all(one.window.end <= SCOPE.baseline.end for one in calm)
    assert all(one.baseline.end == one.window.start for one in calm)


def test_where_no_stretch_has_room_the_quiet_windows_are_shorter() -> None:
    short = replace(SCOPE, baseline=Window(start=at(POINTS - 3 * INSIDE), end=at(POINTS - INSIDE)))
    calm = list(quiet_scopes(short))
    assert {one.window.seconds for one in calm} == {short.baseline.seconds / ROOM}
    assert all(short.baseline.start < one.window.start < one.window.end < short.baseline.end for one in calm)


def test_the_longest_stretch_is_cut_where_none_has_room() -> None:
    longest = Window(start=at(4), end=at(12))
    quiet = (Window(start=at(0), end=at(3)), longest, Window(start=at(13), end=at(18)))
    calm = list(quiet_scopes(replace(SCOPE, quiet=quiet)))
    assert calm
    assert all(longest.start < one.window.start < one.window.end < longest.end for one in calm)


async def test_a_quiet_window_that_holds_no_samples_is_no_quiet_evidence() -> None:
    gone = of("web", now=0.3)
    known = np.r_[0:4, 30:POINTS]
    lost = Series(gone.labels, gone.times[known], gone.values[known])
    (worst, *_) = (await look(lost)).findings
    assert len(worst.facts["quiet_evidence"]) < len((await look(gone)).findings[0].facts["quiet_evidence"])


def test_a_series_that_swings_by_itself_must_swing_wider() -> None:
    steady, wild = of("web", now=0.3), of("web", now=0.3)
    wild.values[5:9] = 0.25
    wild.values[20:24] = 0.25
    plain, swinging = (departure(one, SCOPE.window, (SCOPE.baseline,)) for one in (steady, wild))
    assert plain is not None
    assert swinging is not None
    assert plain.deviations > 3 * swinging.deviations > 0


async def test_what_one_of_several_latencies_shows_alone_is_half_believed() -> None:
    alone = await found(of("pay", "latency_p99", now=0.6), of("pay", "latency_p50"), of("pay", "latency_p90"))
    agreed = await found(of("pay", "latency_p99", now=0.6), of("pay", "latency_p50"), of("pay", "latency_p90", now=0.6))
    only = await found(of("pay", "latency_p99", now=0.6))
    assert agreed == only
    assert 0 < alone["pay", "latency"] < only["pay", "latency"] / 2


async def test_where_calls_are_seen_every_latency_speaks_for_itself() -> None:
    (tool,) = measures_tools(Told([of("pay", "latency_p99", now=0.6), of("pay", "latency_p50")]), traced=True)
    (only,) = (await tool.run(Look(), SCOPE)).findings
    assert only.deviations == (await found(of("pay", "latency_p99", now=0.6)))["pay", "latency"]


async def test_two_instances_of_one_metric_do_not_dilute_each_other() -> None:
    slow, calm = of("pay", "latency_p99", now=0.6), series("pay", "latency_p99", 0.1, 0.104, instance="b")
    assert await found(slow, calm) == await found(slow)


async def test_other_quantities_need_no_second_witness() -> None:
    full, calm = of("pay", "heap_used_bytes", 200.0, 900.0), of("pay", "rss_bytes", 300.0, 312.0)
    assert (await found(full, calm))["pay", "memory"] == (await found(full))["pay", "memory"]


def test_the_first_that_is_not_0_is_no_miracle() -> None:
    rounded = np.array([1e-16 * (place % 3) for place in range(POINTS)])
    for never in (np.zeros(POINTS), rounded):
        one = Series({"service": "web", "metric": "rejected_per_second"}, of("web").times, never.copy())
        one.values[-INSIDE:] = 0.02
        compared = departure(one, SCOPE.window, (SCOPE.baseline,))
        assert compared is not None
        assert 2 * NOTICEABLE < compared.deviations <= 1 / LEAST_SHARE


def test_too_few_samples_say_nothing() -> None:
    assert departure(of("web"), SCOPE.window, (Window(start=at(0), end=at(3)),)) is None


async def test_a_call_is_told_from_its_caller_to_its_callee_whoever_measured_it() -> None:
    told = [
        (await look(*[of(name) for name in CATALOG.services], series("bank", metric, 0.1, 9.0, peer="pay")))
        .findings[0].title
        for metric in ("incoming_call_p50_seconds", "outgoing_call_p50_seconds", "call_p50_seconds")
    ]  # fmt: skip
    assert [title.rpartition("(")[2] for title in told] == ["pay to bank)", "bank to pay)", "bank with pay)"]
    assert told[0].startswith("Incoming call p50 rose from 99.9 ms to ")


def metered(one: Series, credit: float = 1.0, grain: float = 0.0) -> Metered:
    return replace(by_name(one), credit=credit, grain=grain)


def deviations(*known: Metered) -> dict[str, float]:
    return {one.service: abs(one.weight) for one in measured(known, SCOPE, traced=True).measures}


def test_what_earlier_days_had_as_well_keeps_its_part_of_the_score() -> None:
    slow = of("web", now=9.0)
    whole = deviations(metered(slow))["web"]
    for credit in (0.35, 0.6):
        kept = deviations(metered(slow, credit))["web"]
        assert score_of(kept, FAINT) == pytest.approx(credit * score_of(whole, FAINT))
    calm = of("web")
    assert deviations(metered(calm, 0.35)) == deviations(metered(calm))


def test_what_its_source_knows_less_exactly_deviates_less() -> None:
    slow = of("web", now=0.2)
    assert deviations(metered(slow, grain=0.1))["web"] < 0.5 * deviations(metered(slow))["web"]


def test_a_service_none_of_whose_instances_answers_is_silent_and_explains_what_its_callers_suffer() -> None:
    down = Metered(series("pay", UP, 1.0, 0.0), Quantity("other", "instances up", "ratio", "down"))
    failing = series("web", "error_ratio", 0.01, 0.5)
    seen = measured([down, by_name(failing)], SCOPE, traced=True)
    assert next((one.service, one.kind) for one in seen.findings) == ("pay", "silence")
    assert deviations(down, by_name(failing))["web"] < 0.2 * deviations(by_name(failing))["web"]
