"""Requests by their lines, beside the look at all lines: both see the trouble, and the log server is read once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from bot.agents.logs import logs_tools
from bot.agents.request_signs import RequestSign
from bot.agents.requests import request_tools, sentence_of
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog, Service
from bot.models import Alert, AlertStatus, Report, Window
from bot.settings.sources import LokiSource
from bot.telemetry.shared import log_seats
from bot.telemetry.sources import log_sources
from tests.unit.telemetry.loki import Entry, FakeLoki, ns
from tests.unit.telemetry.servers import HOUR, Heard, transport

ONSET_S = 48 * 60
BEFORE = Window(start=HOUR.start, end=HOUR.start + timedelta(seconds=ONSET_S))
WINDOW = Window(start=BEFORE.end, end=HOUR.end)


def orders() -> Iterator[Entry]:
    """Each order is received and charged; from the onset on nothing is charged, and no line says why."""
    for place in range(360):
        at_s, trace = 10 * place, f"{place:032x}"
        said = [f"received order {place}", *([f"charged order {place}"] if at_s < ONSET_S else [])]
        for later, message in enumerate(said):
            line = {"level": "info", "message": message, "trace_id": trace}
            yield "payments", ns(at_s + later / 10), json.dumps(line)


async def look(*tools: str) -> tuple[list[Report], int]:
    """What the agents tell that look side by side, and how many requests that cost."""
    loki = Heard(FakeLoki([*orders()]))
    alert = Alert(source="test", name="PaymentsFail", status=AlertStatus.FIRING, fingerprint="f", service="payments")
    scope = Scope("i", alert, "payments", Catalog(services={"payments": Service()}), WINDOW, BEFORE)
    async with AsyncExitStack() as stack:
        settings = LokiSource(kind="loki", url="http://loki.test")
        sources = await stack.enter_async_context(log_sources([settings], transport=transport(loki)))
        logs, lines = log_seats(sources, 2)
        toolbox = Toolbox((*logs_tools(logs), *request_tools(lines, ())))
        reports = await asyncio.gather(*(toolbox.use(tool, {}, scope) for tool in tools))
    return reports, len(loki.requests)


async def test_a_line_that_requests_no_longer_write_is_told() -> None:
    ([report], _) = await look("logs.requests")
    (missing,) = [finding for finding in report.findings if finding.score > 0]
    assert (missing.kind, missing.service) == ("vanished_line", "payments")
    assert missing.title == "Requests no longer write “charged order <num>”: 0 % of them, usually 100 % (payments)"
    assert report.gaps == ()
    assert report.facts["requests_compared"] == ["payments"]


async def test_two_agents_that_look_at_the_same_lines_read_the_log_server_once() -> None:
    ([alone], of_one), (both, of_both) = await look("logs.look"), await look("logs.look", "logs.requests")
    assert of_both == of_one
    assert both[0].findings == alone.findings
    assert {finding.kind for report in both for finding in report.findings} >= {"vanished_log", "vanished_line"}


@pytest.mark.parametrize(
    ("share", "usual", "said"),
    [
        (0.0, 1.0, "no longer write “charged”: 0 % of them, usually 100 %"),
        (0.017, 0.977, "hardly write “charged” any more: 1.7 % of them, usually 97.7 %"),
        (0.391, 1.0, "write “charged” less often: 39.1 % of them, usually 100 %"),
        (0.9, 0.0, "now write “charged”: 90 % of them, usually 0 %"),
        (1.0, 0.712, "write “charged” more often: 100 % of them, usually 71.2 %"),
    ],
)
def test_no_line_is_called_gone_that_half_of_the_requests_still_write(share: float, usual: float, said: str) -> None:
    sign = RequestSign("pay", "Charge", "charged", share - usual, share, usual, 40, alarming=False)
    assert sentence_of(sign) == f"Requests to Charge {said} (pay)"
