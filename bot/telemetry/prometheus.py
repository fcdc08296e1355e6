"""Prometheus, read only: the HTTP API v1 that VictoriaMetrics, Mimir and Thanos speak as well.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit, urlunsplit

import numpy as np

from bot.errors import SourceUnavailable
from bot.http import HttpSource, Transport
from bot.models import Window
from bot.telemetry.series import Answer, Floats, Series

POINTS = 250
"""About how many samples one range answer holds; enough for a picture and for a robust score."""
MOST_SERIES = 5000
"""Label sets that one listing holds; a larger one is better asked for in an aggregate."""
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True)
class Listing:
    """Label sets of series; `whole` is false where there were more than one listing holds."""

    label_sets: tuple[Mapping[str, str], ...]
    whole: bool = True


class Prometheus:
    """A client for one server.

    Args:
        url: the base address, such as http://prometheus:9090, with the path prefix if there is one.
        headers: for authentication or a tenant (`X-Scope-OrgID` of Mimir, `THANOS-TENANT`).
        token_file: holds a bearer token; it is read for every request.
        ca_file: the certificates that the server is checked against, where they are not public ones.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._http = HttpSource(
            "prometheus", url, headers=headers, timeout_s=timeout_s, token_file=token_file, ca_file=ca_file,
            set_by="NIGHTDESK_PROMETHEUS__TOKEN, or NIGHTDESK_PROMETHEUS__HEADERS", transport=transport,
        )  # fmt: skip
        self._shown = _without_credentials(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def query(self, promql: str, at: datetime | None = None) -> Answer:
        """The value of an expression at one moment (now, where none is given).

        Raises:
            SourceUnavailable: no answer, or Prometheus' own error text.
        """
        form = {"query": promql} | ({"time": at.isoformat()} if at else {})
        result, warnings = await self._post("query", form)
        return Answer(promql, _read_result(result), warnings)

    async def query_range(self, promql: str, window: Window, step_s: float | None = None) -> Answer:
        """The values of an expression over a window, at most about 250 of each series.

        Raises:
            SourceUnavailable: as `query`.
        """
        step = step_s or step_for(window)
        form = {
            "query": promql,
            "start": window.start.isoformat(),
            "end": window.end.isoformat(),
            "step": f"{step:g}",
        }
        result, warnings = await self._post("query_range", form)
        return Answer(promql, _read_result(result), warnings, step)

    async def series(self, selectors: Sequence[str], window: Window, most: int = MOST_SERIES) -> Listing:
        """The label sets of series that any of the selectors matches and that had samples in the window.

        At most `most` of them: servers that know the parameter `limit` send no more, and of what the others send the
        rest is dropped.

        Raises:
            SourceUnavailable: as `query`.
        """
        form = {
            "match[]": list(selectors),
            "start": window.start.isoformat(),
            "end": window.end.isoformat(),
            "limit": str(most + 1),
        }
        result, _ = await self._post("series", form)
        if not isinstance(result, list) or not all(isinstance(labels, dict) for labels in result):
            raise SourceUnavailable("prometheus listed series in a form that is not known.")
        return Listing(tuple(result[:most]), whole=len(result) <= most)

    async def metric_types(self) -> Mapping[str, str]:
        """Metric family → counter, gauge, histogram, summary or unknown, as the targets declare.

        Raises:
            SourceUnavailable: as `query`.
        """
        result, _ = _unwrap(await self._http.get("api/v1/metadata"))
        if not isinstance(result, dict):
            raise SourceUnavailable("prometheus described its metrics in a form that is not known.")
        return {
            name: str(entries[0].get("type", "unknown"))
            for name, entries in result.items()
            if isinstance(entries, list) and entries and isinstance(entries[0], dict)
        }

    def graph_url(self, promql: str, window: Window) -> str:
        """Where a person sees the expression drawn over the window."""
        return (
            f"{self._shown}/graph?g0.expr={quote(promql, safe='')}&g0.tab=0"
            f"&g0.range_input={max(1, math.ceil(window.seconds))}s"
            f"&g0.end_input={quote(f'{window.end:%Y-%m-%d %H:%M:%S}', safe='')}"
        )

    async def _post(self, what: str, form: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
        return _unwrap(await self._http.post(f"api/v1/{what}", form=form))


def step_for(window: Window, points: int = POINTS) -> float:
    """The smallest round step, in seconds, at which the window has at most `points` samples."""
    least = window.seconds / points
    return next((float(step) for step in STEPS_S if step >= least), float(math.ceil(least)))


def _unwrap(answer: Any) -> tuple[Any, tuple[str, ...]]:
    if not isinstance(answer, dict) or answer.get("status") not in {"success", "error"}:
        raise SourceUnavailable("prometheus answered in a form that is not known: is the address right?")
    if answer["status"] == "error":
        raise SourceUnavailable(f"prometheus said {answer.get('errorType', 'error')}: {answer.get('error', '')}")
    warnings = [str(warning) for warning in answer.get("warnings") or ()]
    if answer.get("isPartial"):  # VictoriaMetrics' word for what Thanos and Mimir put into a warning
        warnings.append("the answer is partial: a part of the storage did not answer")
    return answer.get("data"), tuple(warnings)


def _read_result(result: Any) -> tuple[Series, ...]:
    try:
        kind, found = result["resultType"], result["result"]
        if kind == "scalar":
            return (_series({}, [found]),)
        if kind == "vector":
            return tuple(_series(each["metric"], [each["value"]]) for each in found if "value" in each)
        if kind == "matrix":
            return tuple(_series(each["metric"], each["values"]) for each in found if "values" in each)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise SourceUnavailable(f"prometheus sent samples that cannot be read: {error!r}") from None
    raise SourceUnavailable(f"prometheus sent a {kind!r}, where numbers were expected.")


def _series(labels: Mapping[str, str], samples: Sequence[Sequence[Any]]) -> Series:
    """Prometheus writes values as text: figures, NaN, +Inf, -Inf; what is not finite becomes NaN."""
    times: Floats = np.array([float(sample[0]) for sample in samples], dtype=np.float64)
    values: Floats = np.array([float(sample[1]) for sample in samples], dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return Series(labels, times, values)


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
