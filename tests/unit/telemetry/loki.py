"""A Loki, put in at the transport: it finds, counts and pages as the documented one does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

from bot.telemetry.portions import ALARMS
from tests.unit.telemetry.servers import START

NS = 1_000_000_000

Entry = tuple[str, int, str]
"""Service, nanoseconds, line."""


def ns(offset_s: float) -> int:
    """Nanoseconds so many seconds after the start of the hour."""
    return round(START * NS) + round(offset_s * NS)


class FakeLoki:
    """Answers as Loki does: forward from start (included) to end (excluded), at most `limit` lines."""

    def __init__(self, entries: Sequence[Entry], *, most: int = 5000) -> None:
        self.entries = sorted(entries, key=lambda entry: entry[1])
        self.most = most

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path.endswith("/label/service_name/values"):
            names = {service for service, at, _ in self.entries if int(asked["start"]) <= at < int(asked["end"])}
            return success(sorted(names))
        assert request.url.path.endswith("/query_range")
        found = [entry for entry in self.entries if self._matches(asked["query"], entry)]
        return self._counted(asked, found) if "count_over_time" in asked["query"] else self._lines(asked, found)

    def _matches(self, query: str, entry: Entry) -> bool:
        chosen = re.search(r'service_name=~"([^"]*)"', query)
        alarming = re.search(ALARMS, entry[2]) is not None
        crowd = ("|~" not in query or alarming) and ("!~" not in query or not alarming)
        return chosen is not None and re.fullmatch(chosen[1].replace("\\\\", "\\"), entry[0]) is not None and crowd

    def _counted(self, asked: httpx.QueryParams, found: Sequence[Entry]) -> httpx.Response:
        step = float(asked["step"]) * NS
        assert f"[{round(step / 1e6)}ms]" in asked["query"]
        counts = Counter((service, int((at - ns(0)) // step)) for service, at, _ in found)
        series = [
            {
                "metric": {"service_name": name},
                "values": [
                    [(ns(0) + (place + 1) * step) / NS, str(n)]
                    for (who, place), n in sorted(counts.items())
                    if who == name
                ],
            }
            for name in sorted({service for service, _ in counts})
        ]
        return success({"resultType": "matrix", "result": series})

    def _lines(self, asked: httpx.QueryParams, found: Sequence[Entry]) -> httpx.Response:
        limit = int(asked["limit"])
        assert asked["direction"] == "forward"
        if limit > self.most:
            said = f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {self.most})"
            return httpx.Response(400, text=said)
        page = [entry for entry in found if int(asked["start"]) <= entry[1] < int(asked["end"])][:limit]
        streams = [
            {"stream": {"service_name": name}, "values": [[str(at), text] for who, at, text in page if who == name]}
            for name in {who for who, _, _ in page}
        ]
        return success({"resultType": "streams", "result": streams, "stats": {}})


def success(data: Any) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data})
