"""Annotations of Grafana, as its API gives them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.changes.grafana import MOST, Grafana
from bot.errors import SourceUnavailable
from bot.settings.changes import GrafanaSource
from tests.unit.changes.outside import ONSET, SPAN, Outside

SETTINGS = GrafanaSource(kind="grafana", url="https://grafana.acme.test/sub/", token=SecretStr("t"))
PATH = "/sub/api/annotations"


def annotation(text: str, *tags: str, minutes_before: float = 5, **more: Any) -> dict[str, Any]:
    moment = (ONSET - timedelta(minutes=minutes_before)).timestamp() * 1000
    return {
        "id": 1,
        "time": int(moment),
        "timeEnd": int(moment),
        "text": text,
        "tags": list(tags),
        "login": "ci",
        **more,
    }


async def ask(*annotations: dict[str, Any]) -> tuple[Any, Outside]:
    outside = Outside({PATH: list(annotations)})
    async with Grafana("grafana", SETTINGS, outside.transport) as grafana:
        return await grafana.changes(SPAN, ["checkout"]), outside


async def test_an_annotation_is_a_change_with_its_service_and_versions() -> None:
    seen, outside = await ask(annotation("4.2.1 → 4.3.0", "deploy", "service:checkout", dashboardUID="abc"))
    (change,) = seen.changes
    assert (change.kind, change.service, change.before, change.after) == ("deploy", "checkout", "4.2.1", "4.3.0")
    assert (change.at, change.who) == (ONSET - timedelta(minutes=5), "ci")
    assert change.url == "https://grafana.acme.test/sub/d/abc"
    asked = outside.asked[0].url.params
    assert asked.get_list("tags") == ["deploy", "deployment", "release", "config"]
    assert (asked["matchAny"], asked["type"]) == ("true", "annotation")
    assert asked["to"] == str(int(ONSET.timestamp() * 1000))


async def test_a_tag_that_is_a_service_is_its_service_and_other_tags_are_no_change() -> None:
    seen, _ = await ask(annotation("flags", "config", "checkout"), annotation("lunch", "food"))
    assert [(change.kind, change.service) for change in seen.changes] == [("config", "checkout")]


async def test_more_annotations_than_are_read_is_a_gap() -> None:
    seen, _ = await ask(*(annotation("x", "deploy") for _ in range(MOST)))
    assert [gap.reason for gap in seen.gaps] == [f"only the latest {MOST} annotations were read"]


async def test_a_token_without_permission_says_which_it_needs() -> None:
    refused = Outside({PATH: httpx.Response(403, json={"message": "no"})})
    async with Grafana("grafana", SETTINGS, refused.transport) as grafana:
        with pytest.raises(SourceUnavailable, match="annotations:read"):
            await grafana.check()
