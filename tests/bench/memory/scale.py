"""A busy channel: made-up talk with the word frequencies of real talk, as much of it as asked for."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from bot.memory import MemoryManager
from bot.models import Message

WORDS = 30_000
PEOPLE = 40
QUESTIONS = 300
SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwxyz" for vowel in "aeiou"]
START = datetime(2025, 1, 1, tzinfo=UTC)


def chatter(count: int, *, seed: int = 7) -> Iterator[Message]:
    """Messages of one channel whose words follow Zipf's law, a few minutes apart."""
    chance = _dice(seed)
    weights = list(accumulate(1 / rank for rank in range(10, WORDS + 10)))
    words = _dice(seed + 1).sample(range(10**6), WORDS)
    at = START
    for number in range(count):
        at += timedelta(seconds=chance.expovariate(1 / 240))
        said = chance.choices(words, cum_weights=weights, k=max(3, int(chance.gauss(14, 6))))
        text = " ".join(map(_word, said))
        yield Message(id=str(number), channel="busy", user=f"user{chance.randrange(PEOPLE)}", text=text, sent_at=at)


def _word(number: int) -> str:
    """A word of syllables for a number."""
    return "".join(SYLLABLES[int(digits)] for digits in (f"{number:06}"[at : at + 2] for at in (0, 2, 4)))


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - made-up talk, the same in every run


async def measure(count: int) -> list[tuple[str, str]]:
    """Name and value of every figure."""
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        async with MemoryManager.open(folder=Path(folder)) as memory:
            page: list[Message] = []
            for message in chatter(count):
                page.append(message)
                if len(page) == 1000:
                    await memory.remember(page)
                    page = []
            await memory.remember(page)
        remembered = time.perf_counter() - started
        before = _resident_mb()
        started, worked = time.perf_counter(), time.process_time()
        async with MemoryManager.open(folder=Path(folder)) as memory:
            opened, worked = time.perf_counter() - started, time.process_time() - worked
            seconds = await _question_times(memory, count)
    cuts = quantiles(seconds, n=100)
    return [
        ("messages", f"{count:,}"),
        ("remembering all", f"{remembered:.1f} s"),
        ("start (index built from Redis)", f"{opened:.1f} s, of it {worked:.1f} s of processor time"),
        ("query p50", f"{cuts[49] * 1000:.1f} ms"),
        ("query p99", f"{cuts[98] * 1000:.1f} ms"),
        ("peak memory of the process", f"{_resident_mb():.0f} MB (before the second start {before:.0f} MB)"),
    ]


async def _question_times(memory: MemoryManager, count: int) -> list[float]:
    """How long questions take whose words were said in some message."""
    chance = _dice(11)
    asked = chance.sample(range(count), min(QUESTIONS, count))
    wanted = {str(number) for number in asked}
    texts = [message.text for message in chatter(count) if message.id in wanted]
    seconds: list[float] = []
    for text in texts:
        words = text.split()
        question = " ".join(chance.sample(words, min(8, len(words))))
        started = time.perf_counter()
        await memory.recall(question, channel="busy", budget_tokens=1000)
        seconds.append(time.perf_counter() - started)
    return seconds


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
