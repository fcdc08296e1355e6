"""The Kubernetes API's documented answers, put in at the transport: pods by label, their output, earlier containers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.errors import SourceUnavailable
from bot.settings.sources import KubernetesSource
from tests.unit.telemetry.servers import NOON, START, Heard, read, weighed

SETTINGS = KubernetesSource(kind="kubernetes", url="https://k8s.test", label="app")
RUNNING = {"running": {"startedAt": "2026-03-04T08:00:00Z"}}


def ended(minutes_before_noon: int) -> Mapping[str, Any]:
    finished = NOON - timedelta(minutes=minutes_before_noon)
    return {"terminated": {"exitCode": 137, "finishedAt": f"{finished:%Y-%m-%dT%H:%M:%SZ}"}}


def container(name: str = "app", state: Mapping[str, Any] = RUNNING, **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "restartCount": 0, **more}


def pod(name: str, app: str | None, *containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "default", "labels": {"app": app} if app else {}},
        "status": {"phase": "Running", "containerStatuses": list(containers or (container(),))},
    }


def stamped(offset_s: float, text: str) -> str:
    at = datetime.fromtimestamp(START + offset_s, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}123Z {text}\n"


class FakeApi:
    """Lists pods in pages of two, and gives what their containers wrote."""

    def __init__(self, pods: list[dict[str, Any]], output: Mapping[str, str]) -> None:
        self.pods = pods
        self.output = output
        """pod/container, with `<` behind it for the earlier container."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked, path = request.url.params, request.url.path
        if path == "/api/v1/namespaces/default/pods":
            assert (asked["labelSelector"], asked["limit"]) == ("app", "500")
            start = int(asked.get("continue", 0))
            more = {"continue": str(start + 2)} if start + 2 < len(self.pods) else {}
            return httpx.Response(
                200, json={"kind": "PodList", "metadata": more, "items": self.pods[start : start + 2]}
            )
        assert (asked["timestamps"], asked["sinceTime"]) == ("true", "2026-03-04T11:00:00Z")
        name = path.removeprefix("/api/v1/namespaces/default/pods/").removesuffix("/log")
        written = self.output.get(f"{name}/{asked['container']}{'<' if 'previous' in asked else ''}")
        if written is None:
            return httpx.Response(400, json={"kind": "Status", "message": "container is waiting to start"})
        return httpx.Response(200, text=written[: int(asked["limitBytes"])])


async def test_the_output_of_all_pods_of_a_service_is_read_over_all_pages_of_pods() -> None:
    pods = [pod(f"checkout-{place}", "checkout") for place in range(5)]
    output = {f"checkout-{place}/app": stamped(place, f"order {place} placed") for place in range(5)}
    lines, gaps = await read(SETTINGS, FakeApi(pods, output))
    assert [(line.service, line.message) for line in lines] == [
        ("checkout", f"order {place} placed") for place in range(5)
    ]
    assert lines[1].at == pytest.approx(START + 1, abs=1e-6)
    assert gaps == []


async def test_a_line_of_json_keeps_its_level_and_trace_and_a_stack_trace_is_one_event() -> None:
    text = stamped(1, '{"level": "error", "msg": "no", "trace_id": "ab12"}')
    text += stamped(2, "Traceback (most recent call last):") + stamped(2, '  File "pay.py"') + stamped(3, "again")
    lines, _ = await read(SETTINGS, FakeApi([pod("p", "pay")], {"p/app": stamped(0, "start") + text}))
    assert [line.message for line in lines] == [
        "start",
        'no\nTraceback (most recent call last):\n  File "pay.py"',
        "again",
    ]
    assert (lines[1].level, lines[1].trace) == ("error", "ab12")


async def test_what_a_container_wrote_before_it_restarted_is_read_too() -> None:
    crashed = container(restartCount=3, lastState=ended(10))
    waiting = container("side", {"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=1, lastState=ended(5))
    long_ago = container("old", restartCount=1, lastState=ended(600))
    output = {
        "p/app": stamped(900, "up again"),
        "p/app<": stamped(600, "fatal: out of memory"),
        "p/side<": stamped(800, "fatal: no config"),
        "p/old": stamped(1, "steady"),
    }
    heard = Heard(FakeApi([pod("p", "pay", crashed, waiting, long_ago)], output))
    lines, gaps = await read(SETTINGS, heard)
    assert [line.message for line in lines] == ["steady", "fatal: out of memory", "fatal: no config", "up again"]
    assert gaps == []
    assert len(heard.requests) == 5


async def test_an_earlier_container_whose_output_is_gone_is_no_gap_but_a_running_one_is() -> None:
    pods = [pod("p", "pay", container(restartCount=1, lastState=ended(10)))]
    assert await read(SETTINGS, FakeApi(pods, {"p/app": stamped(1, "x")})) != ([], [])
    lines, gaps = await read(SETTINGS, FakeApi(pods, {"p/app<": stamped(1, "x")}))
    assert len(lines) == 1
    assert gaps[0].startswith("of default/p app: kubernetes at k8s.test answered 400: ")
    assert "waiting to start" in gaps[0]


async def test_only_the_services_that_are_asked_for_are_read() -> None:
    pods = [pod("a", "Checkout"), pod("b", "search")]
    heard = Heard(FakeApi(pods, {"a/app": stamped(1, "x"), "b/app": stamped(1, "y")}))
    lines, _ = await read(SETTINGS, heard, {"checkout"})
    assert [line.service for line in lines] == ["Checkout"]
    assert not any("/pods/b/" in path for path in heard.paths)


async def test_lines_outside_the_window_are_left_and_the_rest_is_not_waited_for() -> None:
    text = stamped(-5, "before") + stamped(5, "inside") + stamped(3700, "after") + stamped(5000, "far") * 1000
    lines, gaps = await read(SETTINGS, FakeApi([pod("p", "pay")], {"p/app": text}))
    assert ([line.message for line in lines], gaps) == (["inside"], [])


async def test_a_loud_pod_is_thinned_and_hides_no_alarm_and_no_quiet_pod() -> None:
    loud = "".join(stamped(place * 0.07, f"query {place}") for place in range(50_000))
    pods = [pod("loud", "search"), pod("quiet", "checkout")]
    output = {"loud/app": stamped(0, "connection refused") + loud, "quiet/app": stamped(1, "order 1 placed")}
    lines, _ = await read(SETTINGS, FakeApi(pods, output))
    assert [line.message for line in lines if line.service == "checkout"] == ["order 1 placed"]
    assert [line.weight for line in lines if "refused" in line.message] == [1.0]
    assert len(lines) < 30_000
    assert weighed(lines) == pytest.approx(50_002, rel=0.01)


async def test_the_output_is_cut_at_its_most_bytes_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.telemetry.kubernetes.BYTES", 1000)
    text = "".join(stamped(place, f"query {place}") for place in range(100))
    lines, gaps = await read(SETTINGS, FakeApi([pod("p", "pay")], {"p/app": text}))
    assert [line.message for line in lines] == [f"query {place}" for place in range(25)]
    assert gaps == ["of default/p app only the first 1,000 bytes were read."]


@pytest.mark.parametrize("name", ["x?follow=true", "a/../../../secrets", "..", "x#y"])
async def test_a_name_stays_a_name_in_the_path(name: str) -> None:
    heard = Heard(FakeApi([pod(name, "pay")], {}))
    _, [gap] = await read(SETTINGS, heard)
    asked = [request.url.raw_path for request in heard.requests[1:]]
    assert all(path.startswith(b"/api/v1/namespaces/default/pods/") and path.count(b"/") == 7 for path in asked)
    assert all(b"/log?container=app" in path for path in asked)
    assert gap.startswith(f"of default/{name} app: ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(403, json={"message": 'pods is forbidden: User "x" cannot list'}), "cannot list"),
        (httpx.Response(200, json={"kind": "Status"}), "is the address right"),
        (httpx.Response(200, json={"items": [7, {"metadata": None, "status": {}}]}), None),
    ],
)
async def test_pods_that_cannot_be_listed(answer: httpx.Response, said: str | None) -> None:
    if said is None:
        assert await read(SETTINGS, lambda _: answer) == ([], [])
        return
    with pytest.raises(SourceUnavailable, match=said):
        await read(SETTINGS, lambda _: answer)
