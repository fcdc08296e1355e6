"""Deployments of GitLab, from the answers that its documentation shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.changes.gitlab import GitLab
from bot.errors import SourceUnavailable
from bot.settings.changes import GitLabSource
from tests.unit.changes.outside import ONSET, SPAN, Answer, Outside, at

PROJECT = "/api/v4/projects/acme%2Fcheckout"
SETTINGS = GitLabSource(
    kind="gitlab", url="https://git.acme.test", token=SecretStr("t"), projects={"acme/checkout": "checkout"}
)
NEW, OLD = "99d03678b90d914dbb1b109132516d71a4a03ea8", "a91957a858320c0e17f3a0eca7cfacbff50ea29a"


def deployment(number: int, sha: str, minutes_before: float, status: str = "success", **more: Any) -> dict[str, Any]:
    job = {"started_at": at(minutes_before - 3), "pipeline": {"web_url": f"https://git.acme.test/pipelines/{number}"}}
    return {"id": number, "iid": number, "ref": "main", "sha": sha, "status": status, "created_at": at(minutes_before),
            "user": {"username": "mina"}, "environment": {"name": "production"}, "deployable": job, **more}  # fmt: skip


def answers(*deployments: dict[str, Any], **more: Answer) -> dict[str, Answer]:
    listed = list(deployments) or [deployment(42, NEW, 10), deployment(41, OLD, 5000)]
    merged = [{"iid": 7, "title": "Retry payments twice", "web_url": "https://git.acme.test/mr/7"}]
    return {f"{PROJECT}/deployments": listed, f"{PROJECT}/deployments/42/merge_requests": merged, **more}


async def test_a_deployment_tells_versions_author_start_and_merge_requests() -> None:
    outside = Outside(answers())
    async with GitLab("gitlab", SETTINGS, outside.transport) as gitlab:
        seen = await gitlab.changes(SPAN, ["checkout"])
    (change,) = seen.changes
    assert (change.before, change.after, change.who) == (OLD[:7], NEW[:7], "mina")
    assert change.at == ONSET - timedelta(minutes=7)
    assert change.details == ("!7 Retry payments twice",)
    assert change.url == "https://git.acme.test/pipelines/42"
    assert outside.asked[0].headers["private-token"] == "t"


async def test_only_what_had_an_effect_counts_and_the_version_before_is_the_last_success() -> None:
    listed = [
        deployment(44, NEW, 5, "created"),
        deployment(42, NEW, 10, "running"),
        deployment(41, "f" * 40, 60, "failed"),
        deployment(40, OLD, 70),
        deployment(39, OLD, 5000),
    ]
    outside = Outside(answers(*listed))
    async with GitLab("gitlab", SETTINGS, outside.transport) as gitlab:
        seen = await gitlab.changes(SPAN, [])
    told = [(change.before, change.after, change.outcome) for change in seen.changes]
    assert told == [(OLD[:7], NEW[:7], "started"), (OLD[:7], "fffffff", "failed"), (None, OLD[:7], "succeeded")]
    assert any("merge requests of a deployment" in gap.reason for gap in seen.gaps)  # 41 and 40 have no such list


async def test_a_project_that_may_not_be_seen_is_a_gap_and_wrong_for_the_doctor() -> None:
    refused = Outside({f"{PROJECT}/deployments": httpx.Response(403, json={"message": "403 Forbidden"})})
    async with GitLab("gitlab", SETTINGS, refused.transport) as gitlab:
        (gap,) = (await gitlab.changes(SPAN, [])).gaps
        assert "scope read_api" in gap.reason
        with pytest.raises(SourceUnavailable, match=r"acme/checkout: .*role Reporter"):
            await gitlab.check()
