"""Sources that are not well, on real sockets: the look goes on, and one sentence says which, why and what to do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from bot.agents.changes import changes_tools
from bot.agents.commander import explain, rank
from bot.agents.database import Observed, database_tools
from bot.agents.logs import logs_tools
from bot.agents.metrics import metrics_tools
from bot.agents.requests import request_tools
from bot.agents.tools import Toolbox
from bot.agents.traces import traces_tools
from bot.changes.sources import opened
from bot.models import Finding, Gap, Report
from bot.models.evidence import unseen
from bot.settings import changes, sources
from bot.telemetry.mysql import MySql
from bot.telemetry.postgres import Postgres
from bot.telemetry.prometheus import Prometheus
from bot.telemetry.redis_server import RedisServer
from bot.telemetry.sources import log_sources, span_sources
from tests.integration.agents.database.asking import no_pause, scope
from tests.servers.process import free_port
from tests.servers.unwell import answer, unwell

LOOKS = ("metrics.look", "logs.look", "logs.requests", "traces.look", "changes.look")
NOBODY = "nobody listens"
SHORT_S = 0.3
LONGEST = 280
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><form></form></body></html>"
HALF = answer(200, b'{"status": "success"').replace(b"Content-Length: 20", b"Content-Length: 2000")


@dataclass(frozen=True)
class Conduct:
    """How a server behaves, what of it must be told, and what to do about it."""

    says: bytes | str | None
    why: str
    mend: str


CONDUCTS: Mapping[str, Conduct] = {
    "401": Conduct(answer(401, b'{"message": "no valid token"}'), "401: no valid token", "check the token"),
    "403": Conduct(answer(403, b'{"message": "not for you"}'), "403: not for you", "let this account|needs|allow"),
    "404": Conduct(answer(404, PAGE, "text/html"), "404: Sign in", "is the address|there is no such"),
    "422": Conduct(answer(422, b'{"errors": [{"field": "start"}]}'), "422: field: start", "its own log"),
    "429": Conduct(answer(429, b"slow down", "text/plain", Retry_After="120"), "429: slow down",
                   "left alone for 120 s; .*raise the limit"),
    "500": Conduct(answer(500), "500: Internal Server Error", "its own log"),
    "no answer": Conduct(None, "answer within", "overloaded"),
    "a cut connection": Conduct(HALF, "broke off its answer", "does it restart"),
    "a web page": Conduct(answer(200, PAGE, "text/html"), "a web page .“Sign in”., not JSON", "is the address right"),
    "an empty answer": Conduct(answer(200), "an empty answer, not JSON", "is the address right"),
    NOBODY: Conduct(NOBODY, "no connection", "is it up"),
}  # fmt: skip


@asynccontextmanager
async def port_of(conduct: Conduct) -> AsyncIterator[int]:
    if conduct.says == NOBODY:
        yield free_port()
        return
    assert not isinstance(conduct.says, str)
    async with unwell(conduct.says) as port:
        yield port


def configured(url: str) -> dict[str, Any]:
    """Every kind of source that is asked over HTTP, at this address."""
    at: dict[str, Any] = {"url": url, "timeout_s": SHORT_S}
    token = SecretStr("geheim")
    return {
        "logs": [
            sources.LokiSource(kind="loki", **at),
            sources.ElasticsearchSource(kind="elasticsearch", **at),
            sources.VictoriaLogsSource(kind="victorialogs", **at),
            sources.KubernetesSource(kind="kubernetes", **at),
        ],
        "spans": [sources.TempoSource(kind="tempo", **at), sources.JaegerSource(kind="jaeger", **at)],
        "changes": {
            "github": changes.GitHubSource(kind="github", url=url, repositories={"acme/checkout": "checkout"}),
            "gitlab": changes.GitLabSource(kind="gitlab", url=url, projects={"acme/checkout": "checkout"}),
            "cluster": changes.KubernetesSource(kind="kubernetes", url=url, token=token),
            "argo": changes.ArgoCDSource(kind="argocd", url=url, token=token),
            "grafana": changes.GrafanaSource(kind="grafana", url=url, token=token),
        },
    }


def expected(port: int) -> set[str]:
    kinds = ("loki", "elasticsearch", "victorialogs", "kubernetes", "tempo", "jaeger")
    return {f"{kind} at 127.0.0.1:{port}" for kind in kinds} | {
        "prometheus",
        "github",
        "gitlab",
        "cluster",
        "argo",
        "grafana",
    }


async def looked(port: int) -> list[Report]:
    """Everything that looks over HTTP looks at once, as in a triage."""
    async with AsyncExitStack() as stack:
        at = configured(f"http://127.0.0.1:{port}")
        prometheus = await stack.enter_async_context(Prometheus(f"http://127.0.0.1:{port}", timeout_s=SHORT_S))
        logs = await stack.enter_async_context(log_sources(at["logs"]))
        spans = await stack.enter_async_context(span_sources(at["spans"]))
        known = await stack.enter_async_context(opened(at["changes"]))
        tools = (
            *metrics_tools(prometheus), *logs_tools(logs), *request_tools(logs, spans), *traces_tools(spans),
            *changes_tools(known),
        )  # fmt: skip
        toolbox = Toolbox(tools)
        return await asyncio.gather(*(toolbox.use(look, {}, scope(deadline_s=3)) for look in LOOKS))


def together(reports: Iterable[Report]) -> tuple[list[Finding], list[Gap]]:
    return [one for report in reports for one in report.findings], [one for report in reports for one in report.gaps]


@pytest.mark.parametrize("name", CONDUCTS)
async def test_each_source_that_is_unwell_is_told_in_one_sentence_and_nothing_is_made_up(name: str) -> None:
    conduct = CONDUCTS[name]
    async with port_of(conduct) as port:
        reports = await looked(port)
    findings, gaps = together(reports)
    assert findings == []  # 'no change' would be a lie where nobody could be asked
    assert {gap.source for gap in gaps} == expected(port)
    for source in expected(port):
        told = [sentence for report in reports for sentence in unseen(g for g in report.gaps if g.source == source)]
        assert len(set(told)) == 1, told
        assert told[0].count(source) == 1
        assert re.search(conduct.why, told[0]), told
        assert re.search(conduct.mend, told[0]), told
        assert len(told[0]) <= LONGEST
        assert not re.search(r"[{}<>\n]|Error\b(?<!Server Error)|Exception", told[0]), told
    best = rank(findings, gaps, scope().catalog)
    assert best[0].kind == "unknown"
    assert re.fullmatch(r"The cause is unknown: .*could be seen \(.* and 8 more\)\.", explain(best, findings, gaps))


ENGINES: Mapping[str, Callable[[int], Observed]] = {
    "postgres": lambda port: Postgres(
        "payments", SecretStr(f"postgresql://a:geheim@127.0.0.1:{port}/x"), connect_timeout_s=2, pause=no_pause
    ),
    "mysql": lambda port: MySql(
        "payments", SecretStr(f"mysql://a:geheim@127.0.0.1:{port}/x"), connect_timeout_s=1, pause=no_pause
    ),
    "redis": lambda port: RedisServer(
        "payments", SecretStr(f"redis://a:geheim@127.0.0.1:{port}/0"), connect_timeout_s=1, pause=no_pause
    ),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["no answer", "a web page", NOBODY])
async def test_a_database_that_is_unwell_is_told_in_one_sentence_without_its_password(engine: str, name: str) -> None:
    async with port_of(CONDUCTS[name]) as port:
        toolbox = Toolbox(database_tools({"payments": ENGINES[engine](port)}))
        report = await toolbox.use("database.look", {}, scope(deadline_s=2))
    assert report.findings == ()
    (said,) = unseen(report.gaps)
    assert re.match(r"database payments", said, re.IGNORECASE)
    assert "?)" in said
    assert len(said) <= LONGEST
    assert "geheim" not in said
