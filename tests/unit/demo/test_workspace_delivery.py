"""How the workspace signs and repeats what it sends to the bot."""

from __future__ import annotations

from bot.demo.workspace import Workspace, sign

CHANNEL = "C0PAYMENTS"


def test_the_signature_is_the_one_of_slacks_documentation() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47"
        b"445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == expected


async def test_an_event_is_repeated_at_once_after_a_minute_and_after_five() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    workspace = Workspace(bot_url="http://127.0.0.1:9/slack/events", pause=pause)
    await workspace.say("U0MINA", CHANNEL, "anyone?")
    await workspace.settle()
    await workspace.delivery.close()
    assert pauses == [0, 60, 300]


async def test_without_a_bot_events_are_only_noted() -> None:
    workspace = Workspace()
    ts = await workspace.say("U0MINA", CHANNEL, "<@U0NIGHTDESK> hello")
    await workspace.react("U0TOM", ts, "wave")
    assert [sent["event"]["type"] for sent in workspace.delivery.sent] == ["message", "app_mention", "reaction_added"]
    assert len({sent["event_id"] for sent in workspace.delivery.sent}) == 3


async def test_timestamps_are_never_the_same_even_when_the_clock_stands() -> None:
    workspace = Workspace(clock=lambda: 1_772_420_400.0)
    stamps = [await workspace.say("U0MINA", CHANNEL, str(number)) for number in range(100)]
    assert len(set(stamps)) == 100
    assert stamps == sorted(stamps)
