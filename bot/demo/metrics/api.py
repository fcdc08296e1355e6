"""The HTTP API of Prometheus, as far as dashboards and the bot need it."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MultiDict
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.metrics.evaluate import Evaluator
from bot.demo.metrics.page import page, refusal
from bot.demo.metrics.series import Labels, Series, Store
from bot.demo.metrics.syntax import Node, Selector, duration_ms, parse
from bot.demo.metrics.values import Value
from bot.errors import BadInput

MOST_POINTS = 11_000
DRAWN_POINTS = 300
VERSION = "0.1.0-nightdesk-demo"

Form = MultiDict


class _CannotExecute(BadInput):
    """The query can be read, but not answered."""


class Api:
    """Answers about one store."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    @property
    def routes(self) -> list[Route]:
        """Every endpoint, below `/`."""
        both = ["GET", "POST"]
        return [
            Route("/api/v1/query", self._answer(self._query), methods=both),
            Route("/api/v1/query_range", self._answer(self._query_range), methods=both),
            Route("/api/v1/series", self._answer(self._series), methods=both),
            Route("/api/v1/labels", self._answer(self._labels), methods=both),
            Route("/api/v1/label/{name}/values", self._answer(self._label_values)),
            Route("/api/v1/metadata", self._answer(self._metadata)),
            Route("/api/v1/status/buildinfo", self._answer(self._buildinfo)),
            Route("/graph", self._graph),
            Route("/-/ready", self._ready),
            Route("/-/healthy", self._ready),
        ]

    def _answer(self, ask: Callable[[Form], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            given = MultiDict([*request.query_params.multi_items(), *(await request.form()).multi_items()])
            given.update(request.path_params)
            try:
                return JSONResponse({"status": "success", "data": ask(given)})
            except _CannotExecute as error:
                return _refused(422, "execution", error)
            except BadInput as error:
                return _refused(400, "bad_data", error)

        return endpoint

    async def _ready(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        return PlainTextResponse("Prometheus Server is Ready.\n")

    def _query(self, given: Form) -> Any:
        node, at_ms = parse(_needed(given, "query")), self._moment(given.get("time"), "time")
        evaluator = Evaluator(self._store)
        if isinstance(node, Selector) and node.range_ms is not None:
            found = evaluator.stretches(node, at_ms)
            return _matrix((labels, zip(one.times, one.values, strict=True)) for labels, one in found)
        value = _evaluated(evaluator, node, at_ms)
        if isinstance(value, float):
            return {"resultType": "scalar", "result": _point(at_ms, value)}
        result = [{"metric": dict(one.labels), "value": _point(at_ms, one.value)} for one in value]
        return {"resultType": "vector", "result": result}

    def _query_range(self, given: Form) -> Any:
        node = parse(_needed(given, "query"))
        start_ms, end_ms = self._moment(_needed(given, "start"), "start"), self._moment(_needed(given, "end"), "end")
        step_ms = _step(_needed(given, "step"))
        if end_ms < start_ms:
            raise BadInput('invalid parameter "end": end timestamp must not be before start time')
        if (end_ms - start_ms) / step_ms > MOST_POINTS:
            raise BadInput(f"exceeded maximum resolution of {MOST_POINTS:,} points per timeseries")
        if isinstance(node, Selector) and node.range_ms is not None:
            raise BadInput('invalid expression type "range vector" for range query, must be Scalar or instant Vector')
        return _matrix(self._curves(node, range(start_ms, end_ms + 1, step_ms)))

    def _curves(self, node: Node, moments: range) -> list[tuple[Labels, list[tuple[int, float]]]]:
        evaluator = Evaluator(self._store)
        found: dict[Labels, list[tuple[int, float]]] = {}
        for at_ms in moments:
            for labels, value in _pairs(_evaluated(evaluator, node, at_ms)):
                found.setdefault(labels, []).append((at_ms, value))
        return sorted(found.items())

    async def _graph(self, request: Request) -> Response:
        """What links of Prometheus' own page lead to: `g0.expr`, `g0.range_input` (a duration) and `g0.end_input`."""
        given = request.query_params
        query = given.get("g0.expr", "up")
        try:
            end_ms = self._moment(given.get("g0.end_input"), "g0.end_input")
            start_ms = end_ms - duration_ms(given.get("g0.range_input", "5m"))
            curves = self._curves(
                parse(query), range(start_ms, end_ms + 1, max(1, (end_ms - start_ms) // DRAWN_POINTS))
            )
        except BadInput as error:
            return HTMLResponse(refusal(query, str(error)), status_code=400)
        return HTMLResponse(page(query, curves, start_ms, end_ms))

    def _series(self, given: Form) -> Any:
        return [dict(series.labels) for series in self._matched(given, needed=True)]

    def _labels(self, given: Form) -> Any:
        return sorted({name for series in self._matched(given) for name, _ in series.labels})

    def _label_values(self, given: Form) -> Any:
        return sorted(
            {value for series in self._matched(given) for name, value in series.labels if name == given["name"]}
        )

    def _metadata(self, given: Form) -> Any:
        wanted = given.get("metric")
        return {name: [about] for name, about in self._store.metadata.items() if wanted in {None, name}}

    def _buildinfo(self, given: Form) -> Any:  # noqa: ARG002 - it is the same for every call
        return dict.fromkeys(("revision", "branch", "buildUser", "buildDate", "goVersion"), "") | {"version": VERSION}

    def _matched(self, given: Form, *, needed: bool = False) -> list[Series]:
        """The series that fit any of the `match[]` selectors and have samples in the asked stretch."""
        texts = given.getlist("match[]")
        if needed and not texts:
            raise BadInput("no match[] parameter provided")
        start_ms = self._moment(given.get("start"), "start", missing=0.0)
        end_ms = self._moment(given.get("end"), "end")
        chosen = {series.labels: series for text in texts for series in self._store.select(_selector(text).matchers)}
        candidates: Iterable[Series] = chosen.values() if texts else self._store
        return [series for series in candidates if series.between(start_ms - 1, end_ms)[0]]

    def _moment(self, text: str | None, name: str, *, missing: float | None = None) -> int:
        if text is None:
            return int((self._clock() if missing is None else missing) * 1000)
        with suppress(ValueError, OverflowError):
            return round(float(text) * 1000)
        try:
            moment = datetime.fromisoformat(text)
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        except ValueError:
            raise BadInput(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from None


def create_app(store: Store, lifespan: Callable[[], AsyncIterator[None]] | None = None) -> Starlette:
    """The API as an ASGI application; `lifespan` runs beside it."""
    beside = asynccontextmanager(lambda app: lifespan()) if lifespan else None  # noqa: ARG005 - Starlette's signature
    return Starlette(routes=Api(store).routes, lifespan=beside)


def _evaluated(evaluator: Evaluator, node: Node, at_ms: int) -> Value:
    try:
        return evaluator.value(node, at_ms)
    except BadInput as error:
        raise _CannotExecute(str(error)) from None


def _refused(status: int, kind: str, error: BadInput) -> Response:
    return JSONResponse({"status": "error", "errorType": kind, "error": str(error)}, status_code=status)


def _needed(given: Form, name: str) -> str:
    if not given.get(name):
        raise BadInput(f'invalid parameter "{name}": it is missing')
    return str(given[name])


def _selector(text: str) -> Selector:
    node = parse(text)
    if not isinstance(node, Selector):
        raise BadInput(f'invalid parameter "match[]": {text!r} is not a series selector')
    return node


def _step(text: str) -> int:
    try:
        step_ms = round(float(text) * 1000)
    except (ValueError, OverflowError):
        step_ms = duration_ms(text)
    if step_ms <= 0:
        raise BadInput('invalid parameter "step": zero or negative query resolution step widths are not accepted')
    return step_ms


def _pairs(value: Value) -> list[tuple[Labels, float]]:
    return [((), value)] if isinstance(value, float) else [(one.labels, one.value) for one in value]


def _matrix(found: Iterable[tuple[Labels, Iterable[tuple[int, float]]]]) -> dict[str, Any]:
    result = [{"metric": dict(labels), "values": [_point(*pair) for pair in points]} for labels, points in found]
    return {"resultType": "matrix", "result": result}


def _point(at_ms: int, value: float) -> tuple[float, str]:
    return at_ms / 1000, _number(value)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value != 0 and not 1e-6 <= abs(value) < 1e21:
        return repr(value)
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
