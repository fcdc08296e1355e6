"""The traces agent, and the logs agent's look at single requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.agents.request_signs import RequestLog
from bot.agents.requests import LookAtRequests, request_tools
from bot.agents.scope import Scope
from bot.agents.trace_signs import TraceSign
from bot.agents.traces import LookAtTraces, sentence_of, traces_tools
from bot.agents.visits import Visits
from bot.catalog import Catalog, Service
from bot.errors import SourceUnavailable
from bot.models import Alert, AlertStatus, Finding, Report, Window
from bot.telemetry.loglines import Level, LogLine
from bot.telemetry.logs import Batch
from bot.telemetry.spans import Span, SpanBatch

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
WINDOW = Window(start=AT, end=AT + timedelta(minutes=5))
BEFORE = Window(start=AT - timedelta(minutes=5), end=AT)
SCOPE = Scope(
    incident_id="i",
    alert=Alert(source="generic", name="Slow", status=AlertStatus.FIRING, fingerprint="f"),
    service="web",
    catalog=Catalog(services={"web": Service(depends_on=("pay",)), "pay": Service(aliases=("payments",))}),
    window=WINDOW,
    baseline=BEFORE,
)


class Source:
    """Gives the spans and lines that it was told, by stretch."""

    name = "told"

    def __init__(self, spans: Sequence[Span] = (), lines: Sequence[LogLine] = ()) -> None:
        self.spans, self.lines = spans, lines
        self.asked: list[list[str] | None] = []


class Spans(Source):
    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        self.asked.append(sorted(services) if services is not None else None)
        inside = [span for span in self.spans if window.start.timestamp() <= span.start_s < window.end.timestamp()]
        yield SpanBatch(tuple(inside), ("one shard did not answer",))


class Lines(Source):
    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        start, end = window.start.timestamp(), window.end.timestamp()
        yield Batch(tuple(line for line in self.lines if start <= (line.at or 0.0) < end))


class Silent(Source):
    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        if window.seconds:
            raise SourceUnavailable("Tempo is down.")
        yield SpanBatch(())


class Empty(Source):
    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        yield SpanBatch(())


class Hanging(Source):
    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        await asyncio.Event().wait()
        yield SpanBatch(())


def requests(*, slow: bool = False, early: bool = False, failed: bool = False) -> list[Span]:
    """Forty requests of web to pay before the window, and forty in it."""
    spans: list[Span] = []
    for number in range(80):
        inside = number >= 40
        start = BEFORE.start.timestamp() + 7 * number + (20 if inside else 0)
        work = 0.9 if slow and inside else 0.1 + 0.001 * (number % 5)
        trace = f"t{number}"
        spans.append(Span(trace, "a", None, "web", "GET /", start, 1.2))
        if not (early and inside):
            spans.append(Span(trace, "b", "a", "web", "call pay", start + 0.01, work + 0.02))
            spans.append(Span(trace, "c", "b", "payments", "Charge", start + 0.02, work, failed=failed and inside))
    return spans


def lines(spans: Sequence[Span], *, missing: bool) -> list[LogLine]:
    return [
        LogLine(span.start_s + 0.01, text, "info", "pay", trace=span.trace)
        for span in spans
        if span.id == "c"
        for text in ("Charge begins", "Charge has ended")
        if not (missing and text == "Charge has ended" and span.start_s >= AT.timestamp())
    ]


async def traced(*sources: Source) -> Report:
    (tool,) = traces_tools(sources)  # type: ignore[arg-type]
    return await tool.run(LookAtTraces(), SCOPE)


def strongest(report: Report) -> Finding:
    return report.findings[0]


async def test_what_takes_longer_by_itself_is_named_under_its_catalogue_name() -> None:
    finding = strongest(await traced(Spans(requests(slow=True))))
    assert (finding.service, finding.kind, finding.indicator) == ("pay", "self_time", "Charge")
    assert finding.title == "Charge takes 900 ms of its own, usually 102 ms (payments)"


async def test_requests_that_stop_short_are_told_of_whom_they_asked_last() -> None:
    kinds = {(one.service, one.kind) for one in (await traced(Spans(requests(early=True)))).findings if one.score > 0}
    assert ("web", "path_end") in kinds


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        (
            TraceSign("path_end", "price", "/prices", 9, 1.0, 0.729, ("basic", "/travels")),
            (
                "100 % of /travels of basic end before all their usual calls were made, usually 72.9 %; "
                "the last that was asked is /prices (price)"
            ),
        ),
        (
            TraceSign("path_end", "web", "GET /", 9, 0.1, 0.0, ("web", "GET /")),
            "10 % of GET / of web end before all their usual calls were made, usually 0 %",
        ),
        (
            TraceSign("call_gap", "pay", "", 9, 0.0233, -0.0134, ("inside-pay", "")),
            "Calls between pay and inside-pay lose 23.3 ms on the way, usually 0 s",
        ),
    ],
)
def test_a_sign_is_told_so_that_nobody_has_to_guess_who_is_meant(sign: TraceSign, said: str) -> None:
    assert sentence_of(sign) == said


async def test_spans_that_say_that_they_failed_are_counted() -> None:
    finding = strongest(await traced(Spans(requests(failed=True))))
    assert (finding.service, finding.kind) == ("pay", "failed_spans")
    assert finding.evidence[0].value == 1.0


async def test_spans_that_never_failed_before_tell_since_when_they_do() -> None:
    sent = requests(failed=True)
    first = min(span.start_s for span in sent if span.failed)
    finding = strongest(await traced(Spans(sent)))
    assert finding.started_at == datetime.fromtimestamp(first, UTC)


async def test_where_all_is_as_usual_it_says_that_it_looked() -> None:
    (only,) = (await traced(Spans(requests()))).findings
    assert (only.score, only.title) == (0.0, "Traces: looked, and normal – 120 spans")


async def test_it_asks_for_the_service_and_what_it_stands_on_by_all_their_names() -> None:
    source = Spans(requests())
    await traced(source)
    assert source.asked == [["pay", "payments", "web"]] * 2


async def test_what_could_not_be_read_is_a_gap_once() -> None:
    report = await traced(Spans(requests()), Silent())
    assert [(gap.source, gap.reason) for gap in report.gaps] == [
        ("told", "one shard did not answer"), ("told", "Tempo is down."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "said"),
    [((), "no source of traces configured"), ((Empty(),), "has only 0 spans"), ((Silent(),), "Tempo is down.")],
    ids=["none", "empty", "down"],
)
async def test_with_nothing_to_see_it_says_why(sources: tuple[Source, ...], said: str) -> None:
    report = await traced(*sources)
    assert report.findings == ()
    assert any(said in gap.reason for gap in report.gaps)


async def test_a_source_that_hangs_takes_nothing_from_the_others() -> None:
    (tool,) = traces_tools([Hanging(), Spans(requests(slow=True))])
    report = await tool.run(LookAtTraces(), replace(SCOPE, deadline_s=0.5))
    assert report.findings[0].kind == "self_time"
    assert "no time to read everything (is it overloaded?)" in report.gaps[0].reason


async def test_a_source_that_hangs_costs_no_more_than_the_deadline() -> None:
    (tool,) = traces_tools((Hanging(),))
    report = await tool.run(LookAtTraces(), Scope(**{**vars(SCOPE), "deadline_s": 0.05}))
    assert "there was no time" in report.gaps[0].reason


async def looked_at(spans: Sequence[Span], told: Sequence[LogLine]) -> Report:
    (tool,) = request_tools((Lines(lines=told),), (Spans(spans),))
    return await tool.run(LookAtRequests(), SCOPE)


def paid(spans: Sequence[Span]) -> list[Span]:
    """The same under the catalogue's name, as the lines have it."""
    return [Span(one.trace, one.id, one.parent, one.service.replace("payments", "pay"), one.operation, one.start_s,
                 one.duration_s) for one in spans]  # fmt: skip


async def test_a_line_that_stays_away_is_the_strongest_sign() -> None:
    spans = paid(requests())
    finding = strongest(await looked_at(spans, lines(spans, missing=True)))
    assert (finding.service, finding.kind) == ("pay", "vanished_line")
    assert finding.title == "Requests to Charge no longer write “Charge has ended”: 0 % of them, usually 100 % (pay)"


async def test_lines_without_spans_are_compared_by_trace() -> None:
    spans = paid(requests())
    assert strongest(await looked_at([], lines(spans, missing=True))).service == "pay"


async def test_lines_as_usual_are_normal() -> None:
    spans = paid(requests())
    assert [one.score for one in (await looked_at(spans, lines(spans, missing=False))).findings] == [0.0]


async def test_lines_that_name_no_trace_are_a_gap() -> None:
    report = await looked_at([], [LogLine(AT.timestamp() + 1, "Charge begins", "info", "pay")])
    assert "no lines that name their trace" in report.gaps[-1].reason


def line(at_s: float, service: str, trace: str) -> LogLine:
    return LogLine(AT.timestamp() + at_s, "done", "info", service, trace=trace)


@pytest.mark.parametrize(
    ("spans", "compared"),
    [((), {"asked"}), ((Span("t2", "a", None, "asked", "GET /", AT.timestamp() + 5, 1.0),), {"asked", "idle"})],
    ids=["lines alone", "with spans"],
)
def test_who_was_not_asked_is_silent_only_where_no_span_tells_that(spans: tuple[Span, ...], compared: set[str]) -> None:
    log = RequestLog()
    log.add([line(-60, "asked", "t0"), line(-50, "idle", "t1")], Visits(()), window=False)
    log.add([line(5, "asked", "t2"), line(6, "new", "t3")], Visits(spans), window=True)
    assert log.compared == compared


def complaints(from_s: int, *, seldom_before: bool = False, level: Level = "error") -> list[LogLine]:
    """A request a second, of which every second one complains from that second of the window on."""
    told = []
    for second in range(-300, 300):
        moment, trace = AT.timestamp() + second, f"t{second}"
        told.append(LogLine(moment, "Charge begins", "info", "pay", trace=trace))
        if (second >= from_s and second % 2) or (seldom_before and second == -200):
            told.append(LogLine(moment + 0.1, "card refused: no route to bank", level, "pay", trace=trace))
    return told


@pytest.mark.parametrize("spans", [True, False], ids=["with spans", "lines alone"])
async def test_a_new_complaint_tells_when_it_was_first_written(*, spans: bool) -> None:
    told = complaints(121)
    seen = [Span(line.trace or "", f"s{line.trace}", None, "pay", "Charge", line.at or 0.0, 0.5)
            for line in told if line.level == "info"]  # fmt: skip
    finding = strongest(await looked_at(seen if spans else [], told))
    assert (finding.kind, finding.started_at) == ("new_complaint", AT + timedelta(seconds=121.1))


@pytest.mark.parametrize(
    ("told", "kind"),
    [(complaints(121, seldom_before=True), "new_complaint"), (complaints(121, level="info"), "new_line")],
    ids=["was written before", "complains of nothing"],
)
async def test_of_any_other_line_nobody_knows_when_the_trouble_began(told: list[LogLine], kind: str) -> None:
    finding = strongest(await looked_at([], told))
    assert (finding.kind, finding.started_at) == (kind, None)
