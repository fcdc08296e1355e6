"""Which questions a service's own series answer: the golden signals, found by what is there and not by fixed names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.agents.exporters import HOST, Resource, Rule, SignalKind, Unit, read_by_rules, rules_for
from bot.agents.forms import Choice, Form, Slot, form, of_one
from bot.agents.wording import spelled
from bot.telemetry.promql import any_of, matchers, quoted

Shapes = Mapping[str, tuple[Mapping[str, str], ...]]
"""Metric name → the label sets of its series."""

CODE_LABELS = ("code", "status", "status_code", "http_status", "http_status_code", "http_response_status_code",
               "response_code", "status_class")  # fmt: skip
GRPC_LABELS = ("grpc_code", "grpc_status", "rpc_grpc_status_code", "grpc_response_status")
OUTCOME_LABELS = ("outcome", "result", "status", "state", "success", "error", "code", "response", "disposition")
HOST_LABELS = ("node", "instance", "kubernetes_node", "hostname")
MOST_HOSTS = 10
GRPC_FAULTS = {"unknown", "deadlineexceeded", "unimplemented", "internal", "unavailable", "dataloss",
               "resourceexhausted", "2", "4", "8", "12", "13", "14", "15"}  # fmt: skip

_SERVER_FAULT = re.compile(r"5(\d\d|xx)", re.IGNORECASE)
_SOME_CODE = re.compile(r"[1-5](\d\d|xx)", re.IGNORECASE)
_BAD_OUTCOME = re.compile(
    r"(?i)(.*[_ -])?(fail(ed|ure|ures)?|err(or|ors|ored)?|time(d[_ -]?)?out|exception|abort(ed)?|crash(ed)?"
    r"|rejected|declined|denied|dropped|unavailable|fault|dead[_ -]?letter(ed)?)([_ -].*)?"
)
_GOOD_OUTCOME = re.compile(
    r"(?i)(ok|okay|success(ful)?|succeeded|completed?|accepted|approved|passed|done|processed|none|paid)"
)
_BAD_NAME = re.compile(
    r"(?:^|_)(errors?|failures?|failed|exceptions?|timeouts?|rejections?|rejected|panics?|dead_letters?)_total$"
)
_TIME_NAME = re.compile(r"(?i)(duration|latency|_time|elapsed|response|handling|_seconds|_milliseconds|_ms)")
_FULL_NAME = re.compile(
    r"(?i)(in_?flight|in_use|_busy|queue|backlog|pending|waiting|waiters|_lag|connections|pool|utili[sz]ation|saturation"
    r"|usage_ratio|active_requests|open_fds|threads_active|inprogress)"
)
_CAPACITY_NAME = re.compile(r"(?i)(^|_)(max|limit|capacity|size|maximum)(_|$)")
_USUAL = re.compile(r"(?i)(request|http|grpc|rpc|^up$|process_|container_|response|connections|queue)")
_OUTGOING = re.compile(r"(?i)(outgoing|client|egress)")
_NOT_THE_SERVICE = re.compile(
    r"(scrape_|go_|python_|jvm_gc_|promhttp_|process_start|process_virtual|nodejs_gc|net_conntrack|.*_created$|.*_info$)"
)


@dataclass(frozen=True)
class Signal:
    """One question in PromQL, `{rate}` standing for the length of a rate's range."""

    kind: SignalKind
    service: str
    metric: str
    noun: str
    """What the metric counts or measures, in words."""
    promql: str
    unit: Unit
    bounded: bool = False
    """Whether 1 means full."""
    volume: Form | None = None
    """For a ratio: the form of the rate that it is a part of."""
    items: str | None = None
    """PromQL that has one figure for each disk, pod, pool, … where the signal folds several into one."""
    resource: Resource | None = None
    alike: str = ""
    """The name that it shares with the same of other services, so that what spreads from one to another shows."""
    form: Form | None = None
    """The PromQL with the choice of series left open, where it can be asked of several services at once."""
    choice: Choice | None = None

    @property
    def turn(self) -> str:
        """What it takes turns with where not all can be asked."""
        return f"{self.kind} {self.resource or ''}"

    def over(self, rate_s: float) -> str:
        """The PromQL with rates over this many seconds."""
        return at_rate(self.promql, rate_s)


def alike(words: str, metric: str) -> str:
    """The same words for all services; apart for what a service sees of its own calls of others."""
    return f"outgoing {words}" if _OUTGOING.search(metric) else words


def at_rate(promql: str, rate_s: float) -> str:
    """Put the length of the rates' range in its place."""
    return promql.replace("{rate}", f"{rate_s:g}s")


def shapes_of(label_sets: Iterable[Mapping[str, str]]) -> Shapes:
    """Label sets, as the series API gives them, by metric name; what tells nothing of a service is left out."""
    found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    known = read_by_rules()
    for labels in label_sets:
        name = labels.get("__name__", "")
        if name and (name in known or not _NOT_THE_SERVICE.match(name)):
            found[name].append(labels)
    return {name: tuple(found[name]) for name in sorted(found)}


def signals_of(
    service: str, shapes: Shapes, chosen: Mapping[str, str], types: Mapping[str, str] | None = None
) -> tuple[Signal, ...]:
    """Every question that these series answer.

    Args:
        service: catalogue name.
        shapes: the service's series.
        chosen: the label matchers that choose them.
        types: metric family → type, where targets declare it.
    """
    rules = list(rules_for(shapes))
    ruled = {name for rule in rules for name in (rule.metric, *rule.needs)}
    asking = _Asking(service, shapes, Choice.of(chosen), types or {})
    plain = tuple(
        signal
        for name in shapes
        if name not in ruled and not _NOT_THE_SERVICE.match(name)
        for signal in (
            *asking.errors(name),
            *asking.latency(name),
            *asking.traffic(name),
            *asking.saturation(name),
            *asking.presence(name),
        )
    )
    return (
        *sorted(plain, key=_usual_first),
        *(_ruled(service, rule, matchers(chosen), asking.choice) for rule in rules),
    )


def hosts_of(shapes: Shapes) -> tuple[str, ...]:
    """The hosts that the service's series come from, at most MOST_HOSTS: by name, or by the address that is scraped."""
    found: dict[str, None] = {}
    for label_sets in shapes.values():
        for labels in label_sets:
            for label in HOST_LABELS:
                if host := labels.get(label):
                    found[host.rpartition(":")[0] or host if label == "instance" else host] = None
    return tuple(found)[:MOST_HOSTS]


def host_matchers(hosts: Iterable[str]) -> str:
    """PromQL that chooses what exporters on these hosts say, whatever their port."""
    names = "|".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", host) for host in hosts)
    return f"instance=~{quoted(f'({names})(:[0-9]+)?')}"


def host_signals(service: str, names: Iterable[str], hosts: Iterable[str]) -> tuple[Signal, ...]:
    """Every question that the exporters on these hosts answer."""
    on_hosts = {name for name in names if name.startswith(HOST)}
    return tuple(_ruled(service, rule, host_matchers(hosts)) for rule in rules_for(on_hosts))


def _ruled(service: str, rule: Rule, chosen: str, choice: Choice | None = None) -> Signal:
    return Signal(
        rule.kind, service, rule.metric, rule.noun, rule.whole(chosen), rule.unit, rule.bounded,
        items=rule.items(chosen), resource=rule.resource, form=rule.form if choice else None, choice=choice,
    )  # fmt: skip


def _usual_first(signal: Signal) -> tuple[bool, str]:
    """What most services are judged by comes before what only this one counts."""
    return _USUAL.search(signal.metric) is None, signal.metric


@dataclass(frozen=True)
class _Asking:
    service: str
    shapes: Shapes
    choice: Choice
    types: Mapping[str, str]

    def errors(self, name: str) -> Iterator[Signal]:
        if not self._counts(name):
            return
        if bad := _bad_values(self.shapes[name]):
            label, values = bad
            failing = self._rate(name, f"{label}=~{any_of(values)}")
            whole = self._rate(name)
            # `or` gives 0 while no failing series exists yet; without traffic there is no ratio at all
            asked = form("(", failing, " or ", whole, " * 0) / (", whole, " > 0)")
            noun, shared = f"{_noun(name)} failures", alike("error ratio", name)
            yield self._signal("error_rate", name, noun, asked, "ratio", bounded=True, volume=whole, alike=shared)
        elif _BAD_NAME.search(name):
            yield self._signal("error_rate", name, _noun(name, plural=True), self._rate(name), "/s")

    def latency(self, name: str) -> Iterator[Signal]:
        if name.endswith("_bucket") and _TIME_NAME.search(name):
            base = name.removesuffix("_bucket")
            buckets = form("sum by (le", Slot.AND_BY, ") (rate(", self._all(name), "[{rate}]))")
            asked = form("histogram_quantile(0.95, ", buckets, ")", _to_seconds(base))
            yield self._signal("latency", base, f"{_noun(base)} p95", asked, "s", alike=alike("latency p95", name))
        elif name.endswith("_sum") and _TIME_NAME.search(name) and self._is_summary(name):
            base = name.removesuffix("_sum")
            asked = form("(", self._rate(name), " / (", self._rate(base + "_count"), " > 0))", _to_seconds(base))
            yield self._signal("latency", base, f"{_noun(base)} mean", asked, "s", alike=alike("mean latency", name))

    def traffic(self, name: str) -> Iterator[Signal]:
        if self._counts(name) and not _BAD_NAME.search(name) and not _resource(name):
            shared = alike("requests", name) if _USUAL.search(name) else ""
            yield self._signal("traffic", name, _noun(name, plural=True), self._rate(name), "/s", alike=shared)

    def saturation(self, name: str) -> Iterator[Signal]:
        if name in {"process_cpu_seconds_total", "container_cpu_usage_seconds_total"}:
            yield self._signal("saturation", name, "CPU use", self._rate(name), "cores")
        elif name == "process_resident_memory_bytes":
            yield self._signal("saturation", name, "memory", self._folded("max", name), "bytes")
        elif self._is_gauge(name) and _FULL_NAME.search(name) and not _CAPACITY_NAME.search(name):
            yield self._fullness(name)

    def presence(self, name: str) -> Iterator[Signal]:
        if name == "up":
            yield self._signal("target_down", name, "instances up", self._folded("avg", name), "ratio", bounded=True)

    def _fullness(self, name: str) -> Signal:
        capacity = self._capacity_of(name)
        if capacity:
            asked = form(self._folded("max", name), " / (", self._folded("max", capacity), " > 0)")
            return self._signal(
                "saturation", name, f"{_noun(name)} (part of the capacity)", asked, "ratio", bounded=True
            )
        fraction = re.search(r"(?i)(ratio|utili[sz]ation|saturation)", name) is not None
        unit: Unit = "ratio" if fraction else "count"
        return self._signal("saturation", name, _noun(name), self._folded("max", name), unit, bounded=fraction)

    def _capacity_of(self, name: str) -> str | None:
        """The gauge that shares most words with this one and says max, limit or capacity."""
        words = set(name.split("_"))
        rivals = [
            other for other in self.shapes if _CAPACITY_NAME.search(other) and other != name and self._is_gauge(other)
        ]
        shared = {other: len(words & set(other.split("_"))) for other in rivals}
        best = max(shared, key=lambda other: shared[other], default=None)
        return best if best is not None and shared[best] >= 2 else None

    def _counts(self, name: str) -> bool:
        if name.endswith("_count"):
            base = name.removesuffix("_count")
            return f"{base}_bucket" in self.shapes or f"{base}_sum" in self.shapes
        return (name.endswith("_total") or self.types.get(name) == "counter") and not _resource(name)

    def _is_summary(self, name: str) -> bool:
        base = name.removesuffix("_sum")
        return f"{base}_count" in self.shapes and f"{base}_bucket" not in self.shapes

    def _is_gauge(self, name: str) -> bool:
        if declared := self.types.get(name):
            return declared == "gauge"
        return not name.endswith(("_total", "_bucket", "_sum", "_count"))

    def _all(self, name: str, *further: str) -> Form:
        """A series selector, like `bot.telemetry.promql.selector`."""
        rest = "".join(f",{one}" for one in further)
        return form("{", matchers({"__name__": name}), ",", Slot.CHOSEN, rest, "}")

    def _rate(self, name: str, *further: str) -> Form:
        return form("sum", Slot.BY, "(rate(", self._all(name, *further), "[{rate}]))")

    def _folded(self, fold: str, name: str) -> Form:
        return form(fold, Slot.BY, "(", self._all(name), ")")

    def _signal(
        self,
        kind: SignalKind,
        metric: str,
        noun: str,
        asked: Form,
        unit: Unit,
        *,
        bounded: bool = False,
        volume: Form | None = None,
        alike: str = "",
    ) -> Signal:
        promql = of_one(asked, self.choice)
        return Signal(
            kind, self.service, metric, noun, promql, unit, bounded, volume, alike=alike, form=asked, choice=self.choice
        )


def _bad_values(label_sets: Iterable[Mapping[str, str]]) -> tuple[str, list[str]] | None:
    """The label that tells failures from successes, and its values that are failures."""
    values: dict[str, set[str]] = defaultdict(set)
    for labels in label_sets:
        for label, value in labels.items():
            values[label].add(value)
    for label in (*CODE_LABELS, *GRPC_LABELS, *OUTCOME_LABELS):
        bad = _failures(label, values.get(label, set()))
        if bad is not None:
            return label, bad
    return None


def _failures(label: str, values: set[str]) -> list[str] | None:
    """The failing ones among a label's values; None where the label does not tell failures."""
    if not values:
        return None
    if label in GRPC_LABELS:
        return sorted(value for value in values if value.replace("_", "").lower() in GRPC_FAULTS) or ["Unavailable"]
    if label in CODE_LABELS and all(_SOME_CODE.fullmatch(value) for value in values):
        return sorted(value for value in values if _SERVER_FAULT.fullmatch(value)) or ["500"]
    if label in {"success", "error"} and values <= {"true", "false"}:
        return ["false" if label == "success" else "true"]
    if label not in OUTCOME_LABELS:
        return None
    bad = sorted(value for value in values if _BAD_OUTCOME.fullmatch(value))
    known_good = any(_GOOD_OUTCOME.fullmatch(value) for value in values)
    return bad or (["failed"] if known_good else None)


def _resource(name: str) -> bool:
    return name.endswith(("_seconds_total", "_bytes_total")) or name.startswith(("process_", "container_", "node_"))


def _to_seconds(name: str) -> str:
    return " / 1000" if re.search(r"(_ms|_milliseconds|_millis)$", name) else ""


def _noun(name: str, *, plural: bool = False) -> str:
    """`http_requests_total` → 'HTTP request'."""
    words = re.sub(r"_(total|count|bucket|sum|seconds|milliseconds|ms)\b", "", name).replace("_", " ").strip()
    words = re.sub(r"_(total|seconds|milliseconds|ms)$", "", words)
    return spelled(words[:-1] if not plural and re.search(r"[^s]s$", words) else words)
