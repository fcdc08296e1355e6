"""What people say about silences, and what they are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.incidents.silences import Silences
from bot.models import Alert
from bot.storage import connect
from bot.work.silencing import Silencing, matchers_of, span_of

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


class Room:
    def __init__(self, silences: Silences) -> None:
        self.now = NOW
        self.silences = silences
        self.silencing = Silencing(silences, lambda: self.now)

    async def say(self, text: str) -> str:
        answer = await self.silencing.said(text, "UANN")
        assert answer is not None
        return answer


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    async with connect(redis_url) as redis:
        yield Room(Silences(redis))


def an_alert(**fields: object) -> Alert:
    return Alert.model_validate(
        {"source": "alertmanager", "name": "DiskFull", "status": "firing", "fingerprint": "f", **fields}
    )


async def test_a_silence_is_begun_listed_and_ended(room: Room) -> None:
    answer = await room.say("silence 2h service=checkout because we migrate")
    (silence,) = await room.silences.listed(NOW)
    assert (silence.until, silence.by, silence.reason) == (NOW + timedelta(hours=2), "UANN", "we migrate")
    assert silence.id in answer
    assert "service=checkout" in await room.say("silences")
    assert "we migrate" in await room.say("silence list")
    assert "is ended, in your name" in await room.say(f"unsilence {silence.id.lower()}")
    assert await room.say("silences") == "There is no silence."


async def test_a_silence_covers_what_fits_all_its_conditions(room: Room) -> None:
    await room.say('silence 90m alertname="disk*" environment!=production')
    (silence,) = await room.silences.listed(NOW)
    assert silence.covers(an_alert(environment="staging"))
    assert silence.covers(an_alert())
    assert not silence.covers(an_alert(environment="Production"))
    assert not silence.covers(an_alert(name="CPU"))


async def test_labels_and_fields_are_asked_alike(room: Room) -> None:
    await room.say("silence 1h team=pay severity=critical")
    (silence,) = await room.silences.listed(NOW)
    assert silence.covers(an_alert(labels={"team": "PAY"}, severity="critical"))
    assert not silence.covers(an_alert(labels={"team": "pay"}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("silence", "Say for how long"),
        ("silence help", "Say for how long"),
        ("silence tomorrow service=x", "is no length of time"),
        ("silence 2h", "A silence of everything is not possible"),
        ("silence 2h everything", "A silence of everything is not possible"),
        ("silence 60d service=x", "at most|from a minute to 30 days"),
        ("silence 0m service=x", "from a minute to 30 days"),
        ("silence 1h " + " ".join(f"l{n}=x" for n in range(11)), "at most 10 conditions"),
        ("unsilence", "Which one"),
        ("unsilence NONE", "There is no silence NONE"),
        ("silence end <!channel>", "There is no silence"),
    ],
)
async def test_what_cannot_be_done_is_explained_and_nothing_is_silenced(room: Room, text: str, said: str) -> None:
    answer = await room.say(text)
    assert any(part in answer for part in said.split("|"))
    assert "<!channel>" not in answer
    assert await room.silences.listed(NOW) == []


async def test_other_words_are_not_for_it(room: Room) -> None:
    assert await room.silencing.said("why is checkout silent?", "UANN") is None


@pytest.mark.parametrize(
    ("word", "minutes"), [("90m", 90), ("2h", 120), ("1d12h", 36 * 60), ("1h30m", 90), ("15min", 15)]
)
def test_lengths_of_time(word: str, minutes: int) -> None:
    assert span_of(word) == timedelta(minutes=minutes)


def test_what_is_said_besides_the_conditions_is_the_reason() -> None:
    matchers, reason = matchers_of('job="node exporter" until the disk is swapped')
    assert ([str(one) for one in matchers], reason) == (["job=node exporter"], "until the disk is swapped")
