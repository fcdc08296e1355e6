"""Calls between two services, as meshes and traces count them: errors, latency and traffic of each edge.

Names as in Istio, Linkerd, and the service graphs that Tempo and the OpenTelemetry collector make; any other metric
with a caller and a callee among its labels will do.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.agents.discovery import DEFAULT_SCRAPE_S
from bot.agents.metrics_findings import finding_of, score_of
from bot.agents.signals import Signal, shapes_of, signals_of
from bot.agents.survey import Reading, Survey, Surveyed
from bot.agents.together import Question
from bot.errors import SourceUnavailable
from bot.models import Finding
from bot.plural import many
from bot.telemetry.promql import selector

PAIRS: tuple[tuple[str, str], ...] = (
    ("source_workload", "destination_service_name"),
    ("source_workload", "destination_workload"),
    ("source_app", "destination_app"),
    ("deployment", "dst_deployment"),
    ("client", "server"),
    ("caller", "callee"),
    ("source", "destination"),
)
"""(caller, callee): the first pair that a series has tells its edge."""
MOST_EDGES = 12
SHOWN = 4
NOBODY = {"", "unknown", "user"}

FACTS: Mapping[str, str] = {
    "edge_count": "calls between two services that were looked at",
    "worst_caller": "the caller of the edge that deviates most",
    "worst_callee": "its callee",
    "worst_edge_kind": "what of it deviates: error_rate, latency, traffic_drop, traffic_surge",
    "worst_edge_score": "how much, 0 to 1",
}


@dataclass(frozen=True)
class Edge:
    """Calls of one service to another."""

    caller: str
    callee: str
    chosen: tuple[tuple[str, str], ...]
    """The label matchers that choose its series."""

    @property
    def words(self) -> str:
        """'calls from checkout to payments'."""
        return f"calls from {self.caller} to {self.callee}"


@dataclass(frozen=True)
class Seen:
    """One edge, and what of it was answered."""

    edge: Edge
    readings: list[Reading]


async def read_edges(survey: Survey, service: str) -> list[Seen]:
    """The edges of the service, each with what it shows."""
    catalog = survey.scope.catalog
    entry = catalog.services.get(service)
    names = (service, *(entry.aliases if entry else ()))
    asked = [selector(None, {caller: name}, f'{callee}!=""') for caller, callee in PAIRS for name in names]
    asked += [selector(None, {callee: name}, f'{caller}!=""') for caller, callee in PAIRS for name in names]
    try:
        found = _edges(await survey.discovery.listed(asked))
    except SourceUnavailable as error:
        survey.note(f"calls between services: {error}")
        return []
    chosen = sorted(found, key=lambda edge: (edge.caller not in names, edge.caller, edge.callee))[:MOST_EDGES]
    if len(found) > MOST_EDGES:
        survey.note(f"{service} has {len(found)} edges to other services, of which {MOST_EDGES} were looked at")
    rate_s = float(math.ceil(max(4 * DEFAULT_SCRAPE_S, survey.step_s)))
    seen = [Seen(edge, []) for edge in chosen]
    await survey.read(
        Question(signal, rate_s, one.readings)
        for one in seen
        for signal in _signals(one.edge, found[one.edge], catalog.resolve(one.edge.callee))
    )
    return seen


def edge_findings(survey: Surveyed, seen: Sequence[Seen], service: str) -> tuple[Finding, ...]:
    """The edges that deviate, the worst first; or one finding that says 'looked, and normal'."""
    if not any(one.readings for one in seen):
        return ()
    pairs = [(one.edge, reading) for one in seen for reading in one.readings if score_of(reading) > 0]
    deviating = sorted(pairs, key=lambda pair: -score_of(pair[1]))[:SHOWN]
    if not deviating:
        title = f"calls of {service} to and from others: looked, and normal – {many(len(seen), 'edge')}"
        normal = Finding(
            agent="metrics", title=title, service=service, indicator="edges", kind="error_rate", score=0.0,
            facts={"edge_count": len(seen)},
        )  # fmt: skip
        return (normal,)
    found = [finding_of(survey, reading, {}) for _, reading in deviating]
    worst = deviating[0][0]
    facts = {
        "edge_count": len(seen), "worst_caller": worst.caller, "worst_callee": worst.callee,
        "worst_edge_kind": found[0].kind, "worst_edge_score": found[0].score,
    }  # fmt: skip
    return (found[0].model_copy(update={"facts": facts}), *found[1:])


def _edges(label_sets: Iterable[Mapping[str, str]]) -> dict[Edge, list[Mapping[str, str]]]:
    """Edge → the label sets of its series. Istio counts each call at both ends: the callee's word counts."""
    found: dict[Edge, list[Mapping[str, str]]] = defaultdict(list)
    for labels in label_sets:
        pair = next((pair for pair in PAIRS if all(labels.get(label, "") not in NOBODY for label in pair)), None)
        if pair is None or labels.get("reporter", "destination") != "destination":
            continue
        chosen = {label: labels[label] for label in pair}
        chosen |= {"reporter": "destination"} if "reporter" in labels else {}
        found[Edge(labels[pair[0]], labels[pair[1]], tuple(chosen.items()))].append(labels)
    return found


def _signals(edge: Edge, label_sets: Iterable[Mapping[str, str]], callee: str | None) -> list[Signal]:
    """Errors, latency and traffic of the edge, about the callee."""
    signals = signals_of(callee or edge.callee, shapes_of(label_sets), dict(edge.chosen))
    first: dict[str, Signal] = {}
    for signal in signals:
        if signal.kind in {"error_rate", "latency", "traffic"}:
            first.setdefault(signal.kind, replace(signal, noun=f"{signal.noun} of {edge.words}"))
    return list(first.values())
