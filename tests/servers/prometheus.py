"""A real Prometheus that scrapes what a test exposes, and a real Alertmanager."""

from __future__ import annotations

import http.client
import itertools
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.servers.process import free_port, running

CONFIG = """\
global: {{scrape_interval: {scrape}, scrape_timeout: {scrape}, evaluation_interval: 1s}}
{rules}
{alerting}
scrape_configs:
{jobs}
"""


@dataclass
class Exposition:
    """A tiny server on which a test exposes metrics in the Prometheus text format."""

    port: int
    counters: dict[str, float] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    """Series → what every scrape adds to it."""
    scrapes: int = 0

    @property
    def target(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    def set(self, series: str, value: float) -> None:
        """Expose a series, such as `queue_depth{queue="mail"}`, at a value."""
        self.counters[series] = value

    def grow(self, series: str, per_scrape: float) -> None:
        """Let a counter grow with every scrape."""
        self.counters.setdefault(series, 0.0)
        self.rates[series] = per_scrape

    def text(self) -> str:
        """One scrape's answer."""
        self.scrapes += 1
        for series, step in list(self.rates.items()):
            self.counters[series] += step
        lines = [f"# TYPE {name} {kind}" for name, kind in self.types.items()]
        return "\n".join([*lines, *(f"{series} {value!r}" for series, value in list(self.counters.items())), ""])


@contextmanager
def exposing() -> Iterator[Exposition]:
    """Serve an empty exposition until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = shown.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Scrapes are no news."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shown = Exposition(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield shown
        finally:
            server.shutdown()
            thread.join()


def _answers(port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=1)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
        except OSError:
            return False
        return answer.status == 200


def _program(name: str) -> str:
    program = shutil.which(name)
    assert program, f"{name} is missing: run scripts/test, which installs it"
    return program


@contextmanager
def prometheus_server(
    folder: Path,
    jobs: Mapping[str, Sequence[str]],
    *,
    rules: str = "",
    alertmanager_port: int | None = None,
    scrape: str = "1s",
) -> Iterator[str]:
    """Run Prometheus. `jobs`: job name → host:port targets; `scrape`: how often they are read. Gives its base URL."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(rules)
    alerting = (
        f'alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager_port}"]}}]}}]}}'
        if alertmanager_port
        else ""
    )
    scraped = "\n".join(
        f"  - {{job_name: {job}, static_configs: [{{targets: {list(targets)}}}]}}" for job, targets in jobs.items()
    )
    config = CONFIG.format(
        jobs=scraped or "  []", alerting=alerting, scrape=scrape, rules="rule_files: [rules.yml]" if rules else ""
    )
    (folder / "prometheus.yml").write_text(config)
    port = free_port()
    command = [_program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]  # fmt: skip
    with running(command, log=folder / "log", ready=lambda: _answers(port, "/-/ready")):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def alertmanager_server(folder: Path, webhook_url: str, *, bearer: str | None = None) -> Iterator[str]:
    """Run Alertmanager, which sends every alert to the webhook at once. Gives its base URL."""
    folder.mkdir(parents=True, exist_ok=True)
    auth = f", http_config: {{authorization: {{credentials: '{bearer}'}}}}" if bearer else ""
    (folder / "alertmanager.yml").write_text(
        "route: {receiver: nightdesk, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: nightdesk, webhook_configs: [{{url: '{webhook_url}', send_resolved: true{auth}}}]}}]\n"
    )
    port = free_port()
    command = [_program("prometheus-alertmanager"), f"--config.file={folder}/alertmanager.yml",
               f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
               "--cluster.listen-address=", "--log.level=warn"]  # fmt: skip
    with running(command, log=folder / "log", ready=lambda: _answers(port, "/-/ready")):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def exposition() -> Iterator[Exposition]:
    """Metrics that the test decides, served for a scrape."""
    with exposing() as shown:
        yield shown


@pytest.fixture
def prometheus_url(exposition: Exposition, tmp_path: Path) -> Iterator[str]:
    """A Prometheus that scrapes `exposition` as job `checkout` four times a second."""
    with prometheus_server(tmp_path / "prometheus", {"checkout": [exposition.target]}, scrape="250ms") as url:
        yield url


@dataclass
class History:
    """Samples that a test wants Prometheus to remember: series → (unix seconds, value), written as OpenMetrics."""

    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def counter(self, series: str, times: Sequence[float], per_second: Callable[[float], float]) -> None:
        """A counter that grows by `per_second(time)`."""
        value, points = 0.0, []
        for before, now in itertools.pairwise([times[0], *times]):
            value += per_second(now) * (now - before)
            points.append((now, value))
        self.samples[series] = points

    def gauge(self, series: str, times: Sequence[float], value: Callable[[float], float]) -> None:
        """A gauge that stands at `value(time)`."""
        self.samples[series] = [(now, value(now)) for now in times]

    def text(self) -> str:
        """The OpenMetrics document, one family after the other as the format demands."""
        lines: list[str] = []
        for series in sorted(self.samples):
            lines += [f"{series} {value!r} {now:.3f}" for now, value in self.samples[series]]
        return "\n".join([*lines, "# EOF", ""])

    def load_into(self, folder: Path) -> None:
        """Write it as blocks that a Prometheus started on `folder` will serve."""
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "history.om"
        source.write_text(self.text())
        command = [_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(source), str(folder / "tsdb")]
        subprocess.run(command, check=True, capture_output=True)
