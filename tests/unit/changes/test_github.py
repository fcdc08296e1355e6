"""Deployments of GitHub, from the answers that its documentation shows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.changes.github import A_PAGE, MOST_PAGES, GitHub
from bot.errors import SourceUnavailable
from bot.settings.changes import GitHubSource
from tests.unit.changes.outside import ONSET, SPAN, Answer, Outside, at

REPO = "/repos/acme/checkout"
NEW, OLD = "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d", "6dcb09b5b57875f334f61aebed695e2e4193db5e"
SETTINGS = GitHubSource(kind="github", token=SecretStr("t"), repositories={"acme/checkout": "checkout"})


def deployment(number: int, sha: str, minutes_before: float, ref: str = "main", **more: Any) -> dict[str, Any]:
    creator = {"login": "github-actions[bot]", "type": "Bot"}
    return {"id": number, "sha": sha, "ref": ref, "task": "deploy", "environment": "production", "creator": creator,
            "created_at": at(minutes_before), "updated_at": at(minutes_before), **more}  # fmt: skip


def answers(**more: Answer) -> dict[str, Answer]:
    return {
        f"{REPO}/deployments": [deployment(2, NEW, 20, "v4.3.0"), deployment(1, OLD, 6000, "v4.2.1")],
        f"{REPO}/deployments/2/statuses": [
            {"state": "success", "created_at": at(4), "log_url": "https://github.com/acme/checkout/actions/runs/9"},
            {"state": "in_progress", "created_at": at(9), "log_url": ""},
            {"state": "waiting", "created_at": at(20), "log_url": ""},
        ],
        f"{REPO}/compare/{OLD}...{NEW}": {
            "html_url": "https://github.com/acme/checkout/compare/x",
            "total_commits": 2,
            "commits": [
                {"commit": {"message": "fix rounding\n\nlong"}, "author": {"login": "mina", "type": "User"}},
                {"commit": {"message": "Merge pull request #812 from acme/retry\n\nRetry payments twice"},
                 "author": {"login": "mina", "type": "User"}},
            ],
        },
        **{f"{REPO}/{path}": answer for path, answer in more.items()},
    }  # fmt: skip


async def test_a_deployment_tells_versions_author_effect_and_merged_requests() -> None:
    outside = Outside(answers())
    async with GitHub("github", SETTINGS, outside.transport) as github:
        seen = await github.changes(SPAN, ["checkout"])
    (change,) = seen.changes
    assert (change.service, change.before, change.after) == ("checkout", "v4.2.1", "v4.3.0")
    assert change.who == "mina through github-actions[bot]"
    assert change.at == ONSET - timedelta(minutes=9)  # it waited for an approval until then
    assert (change.outcome, change.details) == ("succeeded", ("#812 Retry payments twice",))
    assert change.url == "https://github.com/acme/checkout/actions/runs/9"
    assert seen.gaps == ()
    assert outside.asked[0].headers["authorization"] == "Bearer t"
    assert outside.asked[0].headers["x-github-api-version"] == "2022-11-28"
    assert dict(outside.asked[0].url.params) == {"per_page": "100", "environment": "production"}


async def test_a_branch_is_named_by_its_commit_and_a_failure_is_one() -> None:
    outside = Outside(
        answers(**{
            "deployments": [deployment(2, NEW, 20), deployment(1, OLD, 6000)],
            "deployments/2/statuses": [{"state": "failure", "created_at": at(5)}],
        })
    )  # fmt: skip
    async with GitHub("github", SETTINGS, outside.transport) as github:
        (change,) = (await github.changes(SPAN, [])).changes
    assert (change.before, change.after, change.outcome) == (OLD[:7], NEW[:7], "failed")


async def test_pages_are_followed_until_one_lies_before_the_span_and_no_farther() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        body = [deployment(number * 10, NEW, 10.0 if number < 2 else 600)]
        following = f'<https://api.github.com{REPO}/deployments?page={number + 1}>; rel="next"'
        return httpx.Response(200, json=body, headers={"link": following})

    outside = Outside(answers(deployments=page))
    async with GitHub("github", SETTINGS, outside.transport) as github:
        seen = await github.changes(SPAN, [])
    assert outside.paths.count(f"{REPO}/deployments") == 2
    assert len(seen.changes) == 1


async def test_a_list_without_end_is_bounded_and_the_gap_says_so() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        body = [deployment(1, NEW, 10.0) for _ in range(A_PAGE)]
        more = {"link": f'<https://api.github.com{REPO}/deployments?page=2>; rel="next"'}
        return httpx.Response(200, json=body, headers=more)

    outside = Outside(answers(deployments=page, **{"deployments/1/statuses": []}))
    async with GitHub("github", SETTINGS, outside.transport) as github:
        seen = await github.changes(SPAN, [])
    assert outside.paths.count(f"{REPO}/deployments") == MOST_PAGES
    assert [gap.reason for gap in seen.gaps] == ["only the latest 300 deployments of acme/checkout were read"]


async def test_commits_that_may_not_be_read_cost_no_deployment() -> None:
    outside = Outside(answers(**{f"compare/{OLD}...{NEW}": httpx.Response(404, json={})}))
    async with GitHub("github", SETTINGS, outside.transport) as github:
        seen = await github.changes(SPAN, [])
    assert [change.after for change in seen.changes] == ["v4.3.0"]
    assert "or the token may not see it" in seen.gaps[0].reason


@pytest.mark.parametrize(("answer", "said"), [
    (httpx.Response(401, json={"message": "Bad credentials"}), "Bad credentials.*check the token"),
    (httpx.Response(403, headers={"retry-after": "60"}), "left alone for 60 s.*its limit is used up"),
    (httpx.Response(404, json={}), "no such repository"),
    (httpx.Response(200, json={"message": "?"}), "form that is not known"),
])  # fmt: skip
async def test_a_repository_that_cannot_be_read_is_a_gap_that_says_what_to_do(answer: Answer, said: str) -> None:
    async with GitHub("github", SETTINGS, Outside({f"{REPO}/deployments": answer}).transport) as github:
        seen = await github.changes(SPAN, [])
    (gap,) = seen.gaps
    assert re.search(said, gap.reason, re.DOTALL)


async def test_repositories_of_other_services_are_not_asked() -> None:
    outside = Outside({})
    async with GitHub("github", SETTINGS, outside.transport) as github:
        assert await github.changes(SPAN, ["payments"]) == (await github.changes(SPAN, ["stock"]))
    assert outside.asked == []


async def test_the_doctor_is_told_which_repository_cannot_be_seen() -> None:
    async with GitHub("github", SETTINGS, Outside(answers()).transport) as github:
        assert await github.check() == "deployments of acme/checkout"
    async with GitHub("github", SETTINGS, Outside({}).transport) as github:
        with pytest.raises(SourceUnavailable, match=r"acme/checkout: .*no such repository"):
            await github.check()
