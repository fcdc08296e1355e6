"""A worker has an executor draft: what it hands over arrives, what does not answer proposes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.catalog import Catalog
from bot.errors import Misconfigured, NotNow
from bot.gate import actions_of, credentials
from bot.models import Proposal
from bot.remediation.catalogue import Actions
from bot.remediation.proposal import Grounds, matches
from bot.remediation.rules import Policy, load_policy
from bot.settings import HttpCallTemplate, RemediationSettings, Settings, WorkSettings
from bot.settings.targets import KubernetesCluster
from bot.work.drafting import Drafter, Drafting, Wish, answer
from bot.work.queue import Place, Queue, open_queue
from bot.work.tasks import tasks_of
from tests.integration.remediation.gate import INCIDENT, NOW, Count

GROUNDS = Grounds(incident_id=INCIDENT, why="It blocks.", confidence=0.9)
WISH = Wish(proposal_id=f"{INCIDENT}.1", action="test.count", parameters={"name": "a"}, grounds=GROUNDS)


async def seven(_: Proposal) -> float | None:
    return 7.0


class Executor:
    """The duties of a process that only drafts."""

    def __init__(self, redis: Redis) -> None:
        policy = load_policy(None, RemediationSettings(approver_users=("UANN",)))
        actions = Actions([Count(redis)])
        drafter = Drafter(actions, Catalog, lambda: policy, seven, lambda: NOW, verify_s=60)
        self.draft = partial(answer, redis, drafter)

    def __getattr__(self, task: str) -> Any:
        async def nothing(*_: str) -> None:
            raise AssertionError(f"an executor was asked to {task}")

        return nothing


@asynccontextmanager
async def executing(redis: Redis, queue: Queue) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as workers:
        workers.create_task(queue.work(WorkSettings(check_interval_ms=5), Place.GATE, stopping))
        try:
            yield
        finally:
            stopping.set()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield redis


@pytest.fixture
async def queue(redis_url: str, redis: Redis) -> AsyncIterator[Queue]:
    async with open_queue(redis_url) as queue:
        duties: Any = Executor(redis)
        queue.register(tasks_of(duties, sweep_every=timedelta(hours=1), stopping=asyncio.Event()))
        yield queue


async def test_the_executor_drafts_with_its_own_actions_and_policy(redis: Redis, queue: Queue) -> None:
    async with executing(redis, queue):
        drafted = await Drafting(redis, queue).draft(WISH)
    assert drafted.proposal
    assert (drafted.proposal.id, drafted.proposal.approver_users, drafted.before) == (WISH.proposal_id, ("UANN",), 7.0)
    assert matches(drafted.proposal)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"action": "test.other"}, "There is no action"),
        ({"parameters": {"name": "a", "shell": "id"}}, "cannot take these parameters"),
    ],
)
async def test_a_refusal_comes_back_in_words(redis: Redis, queue: Queue, changed: dict[str, Any], why: str) -> None:
    async with executing(redis, queue):
        drafted = await Drafting(redis, queue).draft(WISH.model_copy(update=changed))
    assert drafted.proposal is None
    assert why in drafted.refusal


async def test_an_executor_that_cannot_read_its_policy_proposes_nothing_and_says_why(redis: Redis) -> None:
    def unreadable() -> Policy:
        raise NotNow("The approval policy cannot be used now.")

    drafter = Drafter(Actions([Count(redis)]), Catalog, unreadable, seven, lambda: NOW, verify_s=60)
    assert (await drafter.draft(WISH)).refusal == "The approval policy cannot be used now."


async def test_where_no_executor_runs_nothing_is_proposed(redis: Redis, queue: Queue) -> None:
    drafted = await Drafting(redis, queue, within_s=0.2).draft(WISH)
    assert drafted.proposal is None
    assert "serve --role executor" in drafted.refusal


K8S = KubernetesCluster(api_url="https://k8s", token_env="K8S_TOKEN", namespaces=("shop",))


def settings(role: str, **remediation: Any) -> Settings:
    return Settings.model_validate(
        {"role": role, "remediation": RemediationSettings(kubernetes={"prod": K8S}, **remediation)}
    )


def test_a_worker_knows_the_actions_without_their_credentials() -> None:
    names = {action.name for action in actions_of(settings("worker"), Catalog())}
    assert "kubernetes.restart_rollout" in names


def test_an_executor_without_the_credential_does_not_offer_the_action() -> None:
    assert list(actions_of(settings("executor"), Catalog())) == []


def test_a_worker_that_was_given_a_credential_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_TOKEN", "s3cret")
    with pytest.raises(Misconfigured, match="K8S_TOKEN") as refusal:
        actions_of(settings("worker"), Catalog())
    assert "s3cret" not in str(refusal.value)
    assert list(actions_of(settings("executor"), Catalog()))


def test_a_worker_whose_settings_hold_a_secret_header_does_not_start() -> None:
    call = HttpCallTemplate.model_validate({"url": "https://x/y", "effect": "x", "headers": {"Authorization": "b"}})
    with pytest.raises(Misconfigured, match="use headers_env"):
        actions_of(settings("worker", http_calls={"drain": call}), Catalog())


def test_every_credential_is_counted_as_one() -> None:
    call = HttpCallTemplate.model_validate({"url": "https://x/y", "effect": "x", "headers_env": {"A": "CALL_TOKEN"}})
    remediation = settings("all", http_calls={"drain": call}).remediation
    assert sorted(credentials(remediation, Catalog())) == ["CALL_TOKEN", "K8S_TOKEN"]
