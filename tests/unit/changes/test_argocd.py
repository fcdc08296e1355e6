"""Applications of Argo CD, as its API gives them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.changes.argocd import ArgoCD
from bot.errors import SourceUnavailable
from bot.settings.changes import ArgoCDSource
from tests.unit.changes.outside import ONSET, SPAN, Answer, Outside, at

PATH = "/api/v1/applications"
SETTINGS = ArgoCDSource(
    kind="argocd", url="https://argo.acme.test", token=SecretStr("t"), applications={"checkout-prod": "checkout"}
)
OLD, NEW = "0" * 39 + "a", "1" * 39 + "b"


def entry(number: int, revision: str, minutes_before: float, **more: Any) -> dict[str, Any]:
    return {"id": number, "revision": revision, "deployedAt": at(minutes_before - 1),
            "deployStartedAt": at(minutes_before), "source": {"targetRevision": "HEAD"}, **more}  # fmt: skip


def application(name: str = "checkout-prod", **status: Any) -> dict[str, Any]:
    by_mina = entry(2, NEW, 9, initiatedBy={"username": "mina"})
    history = [entry(1, OLD, 5000, initiatedBy={"automated": True}), by_mina]
    return {"metadata": {"name": name}, "status": {"history": history, "sync": {"status": "Synced"}, **status}}


async def ask(answer: Answer, services: list[str]) -> Any:
    outside = Outside({PATH: answer})
    async with ArgoCD("argo", SETTINGS, outside.transport) as argo:
        return await argo.changes(SPAN, services), outside


async def test_a_sync_is_a_change_from_one_revision_to_the_next() -> None:
    seen, outside = await ask({"items": [application(), application("another")]}, ["checkout"])
    (change,) = seen.changes
    assert (change.service, change.before, change.after, change.who) == ("checkout", "0000000", "1111111", "mina")
    assert change.at == ONSET - timedelta(minutes=9)
    assert change.url == "https://argo.acme.test/applications/checkout-prod"
    assert outside.asked[0].headers["authorization"] == "Bearer t"


async def test_a_tag_that_was_asked_for_is_the_version_and_the_same_again_is_no_change() -> None:
    tag = {"source": {"targetRevision": "v4.3.0"}}
    history = [entry(1, OLD, 50, source={"targetRevision": "v4.2.1"}), entry(2, NEW, 9, **tag), entry(3, NEW, 5, **tag)]
    seen, _ = await ask({"items": [application(history=history)]}, [])
    assert [(change.before, change.after) for change in seen.changes] == [(None, "v4.2.1"), ("v4.2.1", "v4.3.0")]


async def test_a_failed_sync_and_drift_are_told() -> None:
    failed = {"phase": "Failed", "startedAt": at(3), "message": "one or more objects failed to apply",
              "operation": {"initiatedBy": {"automated": True}}, "syncResult": {"revision": "2" * 40}}  # fmt: skip
    seen, _ = await ask({"items": [application(operationState=failed, sync={"status": "OutOfSync"})]}, ["checkout"])
    change = seen.changes[-1]
    assert (change.outcome, change.before, change.after) == ("failed", "1111111", "2222222")
    assert (change.who, change.details) == ("automated sync", ("one or more objects failed to apply",))
    assert [gap.reason for gap in seen.gaps] == [
        "checkout-prod is out of sync: something was changed past Argo CD, or waits to be synced"
    ]


async def test_a_cluster_without_applications_says_null() -> None:
    seen, _ = await ask({"items": None}, [])
    assert seen.changes == ()


@pytest.mark.parametrize(("answer", "said"), [
    (httpx.Response(403, json={"error": "permission denied"}), "applications, get"),
    (httpx.Response(200, text="<html>"), "not JSON"),
])  # fmt: skip
async def test_what_cannot_be_read_says_what_to_do(answer: Answer, said: str) -> None:
    with pytest.raises(SourceUnavailable, match=said):
        await ask(answer, [])
