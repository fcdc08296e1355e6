"""What the tests of the live metrics agents share: an incident at a known time, and a Prometheus that remembers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bot.agents.metrics import metrics_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.models import Alert, AlertStatus, Report, Window
from bot.telemetry.prometheus import Prometheus
from tests.servers.prometheus import History, prometheus_server

END = datetime(2025, 3, 12, 3, 22, tzinfo=UTC)
WINDOW = Window(start=END - timedelta(minutes=15), end=END)
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
ONSET = END - timedelta(minutes=10)


def times(hours: float, *, step_s: float = 30, end: datetime = END) -> Sequence[float]:
    """Moments up to a little after the end."""
    return [float(at) for at in np.arange(end.timestamp() - hours * 3600, end.timestamp() + 31, step_s)]


@contextmanager
def remembering(history: History, folder: Path) -> Iterator[str]:
    """A Prometheus that holds this history; gives its URL."""
    history.load_into(folder)
    with prometheus_server(folder, {}) as url:
        yield url


async def ask(
    url: str, tool: str, catalog: Catalog, parameters: dict[str, Any] | None = None, *, service: str = "shop"
) -> Report:
    """One tool's answer about the incident."""
    alert = Alert(source="test", name="A", status=AlertStatus.FIRING, fingerprint="f")
    scope = Scope("i", alert, service, catalog, WINDOW, BASELINE)
    async with Prometheus(url) as prometheus:
        return await Toolbox(metrics_tools(prometheus)).use(tool, parameters or {}, scope)
