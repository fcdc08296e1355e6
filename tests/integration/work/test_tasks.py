"""Tasks on a real queue: once for a key, again after a failure, and a record of the last one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.settings import WorkSettings
from bot.work import tasks as room
from bot.work.queue import Place, Queue, open_queue
from bot.work.tasks import tasks_of
from tests.servers.process import wait_until

SETTINGS = WorkSettings(check_interval_ms=5, lease_s=2)


class Duties:
    """Notes what it is asked to do, and fails where it is told to."""

    def __init__(self) -> None:
        self.done: Counter[tuple[str, str]] = Counter()
        self.failures: dict[str, int] = {}
        self.given_up: list[tuple[str, str, str]] = []
        self.look_again: list[float | None] = []
        self.hold: asyncio.Event | None = None
        self.at_once = self.most_at_once = 0

    def __getattr__(self, task: str) -> Callable[[str], Any]:
        async def work(subject: str = "") -> float | None:
            self.done[task, subject] += 1
            if self.hold and subject:
                await self._held(self.hold)
            if self.failures.get(task, 0) > 0:
                self.failures[task] -= 1
                raise ConnectionError("away")
            return self.look_again.pop(0) if task == "execute" and self.look_again else None

        return work

    async def _held(self, hold: asyncio.Event) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await hold.wait()
        self.at_once -= 1

    async def failed(self, task: str, subject: str, error: BaseException) -> None:
        self.given_up.append((task, subject, str(error)))


@pytest.fixture
def duties(monkeypatch: pytest.MonkeyPatch) -> Duties:
    """With retries that follow each other quickly."""
    for name in ("PATIENT", "BRIEF"):
        retry = getattr(room, name)
        quick = type(retry)(
            attempts=3, minimum_delay=timedelta(milliseconds=5), maximum_delay=timedelta(milliseconds=9)
        )
        monkeypatch.setattr(room, name, quick)
    return Duties()


@asynccontextmanager
async def working(
    url: str, duties: Any, settings: WorkSettings = SETTINGS, grace_s: float = 60
) -> AsyncIterator[Queue]:
    async with open_queue(url) as queue:
        stopping = asyncio.Event()
        queue.register(tasks_of(duties, sweep_every=timedelta(milliseconds=20), stopping=stopping, grace_s=grace_s))
        async with asyncio.TaskGroup() as workers:
            for place in Place:
                workers.create_task(queue.work(settings, place, stopping))
            try:
                yield queue
            finally:
                if duties.hold:
                    duties.hold.set()  # a worker that is stopped finishes what it has begun
                stopping.set()


async def until(condition: Callable[[], object], what: str) -> None:
    async def asked() -> object:
        return condition()

    await wait_until(asked, what=what)


async def test_every_task_reaches_its_duty(redis_url: str, duties: Duties) -> None:
    every: Any = duties
    known = {task.__name__ for task in tasks_of(every, sweep_every=timedelta(hours=1), stopping=asyncio.Event())}
    names = known - {"sweep", "tend", "draft"}  # the rounds come by themselves, a draft is answered
    assert names >= {"walk", "show", "execute", "verify", "decide", "postmortem", "unanswered"}
    async with working(redis_url, duties) as queue:
        for name in names:
            await queue.add(name, f"of {name}", key="k")
        await until(lambda: {(name, f"of {name}") for name in names} <= set(duties.done), "every duty")


async def test_the_same_key_again_is_the_same_task_while_it_waits(redis_url: str, duties: Duties) -> None:
    duties.hold = asyncio.Event()
    async with working(redis_url, duties) as queue:
        await queue.add("decide", "click", key="k")
        await until(lambda: duties.at_once, "the start")
        for _ in range(5):
            await queue.add("decide", "click", key="k")
        duties.hold.set()
        await queue.add("decide", "last", key="last")
        await until(lambda: duties.done["decide", "last"], "the last task")
    assert duties.done["decide", "click"] == 1


async def test_a_failure_is_tried_again_and_is_no_matter_afterwards(redis_url: str, duties: Duties) -> None:
    duties.failures["show"] = 2
    async with working(redis_url, duties) as queue:
        await queue.add("show", "i", key="k")
        await until(lambda: duties.done["show", "i"] == 3, "the third try")
    assert duties.given_up == []


async def test_only_the_last_failure_is_told_and_it_is_told_once(redis_url: str, duties: Duties) -> None:
    duties.failures["walk"] = 99
    async with working(redis_url, duties) as queue:
        await queue.add("walk", "i", key="k")
        await until(lambda: duties.given_up, "giving up")
        await queue.add("learn", "i", key="k")
        await until(lambda: duties.done["learn", "i"], "a later task")
    assert duties.given_up == [("walk", "i", "away")]
    assert duties.done["walk", "i"] == 3


async def test_one_incident_is_walked_by_one_task_at_a_time_and_others_beside_it(
    redis_url: str, duties: Duties
) -> None:
    duties.hold = asyncio.Event()
    async with working(redis_url, duties) as queue:
        for key in ("1", "2", "3"):
            await queue.add("walk", "a", key=key)
        await queue.add("walk", "b", key="b")
        await until(lambda: duties.done["walk", "b"] and duties.done["walk", "a"], "both incidents")
        assert (duties.done["walk", "a"], duties.most_at_once) == (1, 2)
        duties.hold.set()
        await until(lambda: duties.done["walk", "a"] == 3, "all three walks")


async def test_an_execution_that_broke_off_looks_again_at_what_the_journal_says(redis_url: str, duties: Duties) -> None:
    duties.failures["execute"] = 1
    duties.look_again = [None]
    async with working(redis_url, duties) as queue:
        await queue.add("execute", "p", key="p")
        await until(lambda: duties.done["execute", "p"] == 2, "the second look")


async def test_an_execution_looks_again_while_another_one_may_act(redis_url: str, duties: Duties) -> None:
    duties.look_again = [0.01, 0.01, None]
    async with working(redis_url, duties) as queue:
        await queue.add("execute", "p", key="p")
        await until(lambda: duties.done["execute", "p"] == 3, "the third look")
        await queue.add("learn", "i", key="k")
        await until(lambda: duties.done["learn", "i"], "a later task")
    assert duties.done["execute", "p"] == 3


async def test_the_sweep_runs_by_itself_and_goes_on_after_a_failure(redis_url: str, duties: Duties) -> None:
    duties.failures["sweep"] = 1
    async with working(redis_url, duties):
        await until(lambda: duties.done["sweep", ""] >= 3, "three sweeps")


async def test_a_task_waits_for_its_time_and_can_be_taken_back(redis_url: str, duties: Duties) -> None:
    async with working(redis_url, duties) as queue:
        await queue.add("expire", "p", key="p", when=datetime.now(UTC) + timedelta(hours=1))
        await queue.add("expire", "q", key="q", when=datetime.now(UTC) + timedelta(milliseconds=50))
        await until(lambda: duties.done["expire", "q"], "the one whose time has come")
        await queue.cancel("expire", key="p")
    assert duties.done["expire", "p"] == 0


async def test_a_task_that_was_scheduled_survives_the_process(redis_url: str, duties: Duties) -> None:
    async with open_queue(redis_url) as queue:
        stand_in: Any = duties
        queue.register(tasks_of(stand_in, sweep_every=timedelta(seconds=60), stopping=asyncio.Event()))
        await queue.add("hear", "kept", key="k")
    async with working(redis_url, duties):
        await until(lambda: duties.done["hear", "kept"], "the task of the earlier process")


async def test_what_does_not_end_with_the_process_is_broken_off_and_done_by_the_next_one(
    redis_url: str, duties: Duties
) -> None:
    stuck = duties.hold = asyncio.Event()
    async with working(redis_url, duties, grace_s=0) as queue:
        await queue.add("walk", "slow", key="k")
        await until(lambda: duties.at_once, "the start")
        duties.hold = None
    assert not stuck.is_set(), "the worker has ended though the walk has not"
    async with working(redis_url, duties):
        await until(lambda: duties.done["walk", "slow"] == 2, "the walk in the next process")
    assert duties.given_up == []


@pytest.mark.usefixtures("duties")  # its quick tries, three of them
async def test_a_last_try_that_is_broken_off_does_not_count(redis_url: str) -> None:
    class Unlucky(Duties):
        async def hear(self, subject: str) -> None:
            self.done["hear", subject] += 1
            if self.done["hear", subject] < 3:
                raise ConnectionError("away")
            await asyncio.Event().wait()

    unlucky, afterwards = Unlucky(), Duties()
    async with working(redis_url, unlucky, grace_s=0) as queue:
        await queue.add("hear", "asked", key="k")
        await until(lambda: unlucky.done["hear", "asked"] == 3, "the last try")
    async with working(redis_url, afterwards):
        await until(lambda: afterwards.done["hear", "asked"], "the try in the next process")
    assert unlucky.given_up == afterwards.given_up == []


async def test_a_round_without_end_does_not_hold_up_the_end_of_the_process(redis_url: str) -> None:
    class Endless(Duties):
        async def tend(self) -> None:
            self.done["tend", ""] += 1
            await asyncio.Event().wait()

    endless = Endless()
    async with working(redis_url, endless, grace_s=0):
        await until(lambda: endless.done["tend", ""], "the round")
    async with working(redis_url, Duties()):
        pass  # and the next process starts as ever


async def test_triages_and_watches_that_take_every_slot_do_not_hold_up_a_click(redis_url: str, duties: Duties) -> None:
    narrow = SETTINGS.model_copy(update={"concurrency": 1})
    held = duties.hold = asyncio.Event()
    async with working(redis_url, duties, narrow) as queue:
        await queue.add("walk", "long", key="long")
        await queue.add("verify", "watch", key="watch")
        await until(lambda: duties.at_once == 2, "a triage and a watch")
        duties.hold = None
        await queue.add("decide", "click", key="click")
        await queue.add("execute", "p", key="p")
        await until(lambda: {("decide", "click"), ("execute", "p")} <= set(duties.done), "the click and the execution")
        assert duties.at_once == 2
        held.set()
