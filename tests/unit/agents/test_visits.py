"""Spans joined into visits, and what visits say of waiting and of broken paths."""

from __future__ import annotations

from itertools import count

from bot.agents.paths import new_calls, stopped_short
from bot.agents.visits import ROOT, Visits
from bot.agents.waits import blamed, waits_of
from bot.telemetry.spans import Span

_ids = count()


def span(trace: str, service: str, operation: str, parent: Span | None = None, *, start: float = 0.0,
         lasts: float = 1.0) -> Span:  # fmt: skip
    return Span(trace, f"s{next(_ids)}", parent.id if parent else None, service, operation, start, lasts)


def request(trace: str, *, asks: tuple[str, ...] = ("cart", "pay"), slow: str | None = None) -> list[Span]:
    """A request to web that asks others, each through a client span of its own; calls to `slow` lose a second."""
    root = span(trace, "web", "GET /", lasts=9.0)
    spans = [root]
    for place, asked in enumerate(asks, 1):
        client = span(trace, "web", f"call {asked}", root, start=place, lasts=1.6 if asked == slow else 0.6)
        spans += [client, span(trace, asked, "do", client, start=place + 0.05, lasts=0.5)]
    return spans


def stretch(*requests: list[Span]) -> Visits:
    return Visits([one for spans in requests for one in spans])


def many(number: int, **how: object) -> list[list[Span]]:
    return [request(f"t{next(_ids)}", **how) for _ in range(number)]  # type: ignore[arg-type]


def test_a_span_that_was_sent_twice_is_one() -> None:
    once = request("t")
    visits = Visits([*once, *once])
    assert len(visits.spans) == len(once)
    assert not list(stopped_short(visits, [stretch(*many(40))]))


def test_without_earlier_times_the_slowest_calls_of_a_callee_blame_it_for_nothing() -> None:
    some = [*many(8), *many(2, slow="pay")]
    assert waits_of(stretch(*some), [])["web", "pay"].excess == 0

    most = [*many(2), *many(8, slow="pay")]
    assert waits_of(stretch(*most), [])["web", "pay"].excess > 0.5


def test_a_visit_begins_where_a_request_comes_from_elsewhere() -> None:
    visits = stretch(request("t"))
    assert [visits.operation(entry) for entry in visits.visits()] == [("web", "GET /"), ("cart", "do"), ("pay", "do")]


def test_the_context_of_a_visit_is_what_its_caller_had_asked_before() -> None:
    visits = stretch(request("t"))
    web, cart, pay = visits.visits()
    assert visits.contexts[web] == ROOT
    assert visits.contexts[cart] == (("web", "GET /"), frozenset())
    assert visits.contexts[pay] == (("web", "GET /"), frozenset({("cart", "do")}))


def test_broken_ids_make_no_endless_walk() -> None:
    one = Span("t", "a", "b", "web", "GET /", 0.0, 1.0)
    other = Span("t", "b", "a", "web", "work", 0.0, 1.0)
    assert len(list(Visits([one, other, Span("t", "c", "c", "web", "self", 0.0, 1.0)]).visits())) >= 1


def test_waiting_at_one_callee_is_the_callees_doing() -> None:
    waits = waits_of(stretch(*many(5, slow="pay")), [stretch(*many(5))])
    blame = blamed({call: wait.excess for call, wait in waits.items()})
    assert blame["pay"] > 0.9
    assert blame.get("cart", 0.0) < 0.1
    assert blame["web"] == 0.0


def test_waiting_at_every_callee_is_the_callers_doing() -> None:
    blame = blamed({("web", callee): 1.0 for callee in ("cart", "pay", "mail", "ads")})
    assert (blame["web"], blame["pay"]) == (1.0, 0.0)


def test_without_a_baseline_a_call_is_compared_with_the_other_calls() -> None:
    waits = waits_of(stretch(*many(5, asks=("cart", "pay", "mail"), slow="pay")), [])
    assert waits["web", "pay"].excess > 0.9
    assert waits["web", "cart"].excess < 0.1


def test_paths_that_stop_short_point_at_whom_was_asked_last() -> None:
    usual, broken = many(20), many(20, asks=("cart",))
    (first, *_) = sorted(stopped_short(stretch(*broken), [stretch(*usual)]), key=lambda shift: -shift.deviations)
    assert (first.subject, first.feature) == (("cart", "do"), ("web", "GET /"))
    assert (first.share, first.usual) == (1.0, 0.0)


def test_where_nobody_was_asked_the_one_that_stopped_is_suspect_itself() -> None:
    (first, *_) = stopped_short(stretch(*many(20, asks=())), [stretch(*many(20))])
    assert first.subject == ("web", "GET /")


def test_a_path_that_was_always_short_is_no_sign() -> None:
    mixed = many(10) + many(10, asks=("cart",))
    assert list(stopped_short(stretch(*mixed), [stretch(*mixed)])) == []


def test_calls_that_were_never_made_are_told() -> None:
    shifts = list(new_calls(stretch(*many(20, asks=("cart", "fraud"))), [stretch(*many(20, asks=("cart",)))]))
    assert {(shift.subject, shift.feature) for shift in shifts} == {(("web", "GET /"), ("web", "call fraud"))}
