"""`kill -9` while a channel is read back: the next process reads the rest, the channel sees one message move, and what
was said while nobody listened is remembered too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.demo.workspace import AIKO, MINA, Trouble, Workspace
from bot.memory import MemoryManager
from tests.e2e.scene import WITHIN_S, Scene
from tests.servers.nightdesk import CHANNEL, NightdeskFactory
from tests.servers.process import wait_until

LONG_S = 600
"""Slack asks to wait for longer than the first process lives."""


async def test_killed_while_it_reads_back_it_goes_on_and_remembers_each_message_once(
    nightdesk: NightdeskFactory, workspace: Workspace, redis_url: str
) -> None:
    said = _history(workspace)
    workspace.faults.next("conversations.replies", Trouble.RATE_LIMITED, retry_after_s=LONG_S)

    async with nightdesk(NIGHTDESK_REDIS_URL=redis_url) as bot:
        scene = Scene(workspace, bot, redis_url)
        await _told(workspace, "199 messages so far, back to")
        await _told(workspace, f"Slack asks me to wait {LONG_S} s.")
        await bot.kill()
        missed = await workspace.say(MINA.id, CHANNEL, "The bot is gone")
        reply = await workspace.say(AIKO.id, CHANNEL, "Its heir will come by balloon", said[-1])
        await workspace.settle()  # its delivery was tried in vain, and is given up
        await bot.start()
        told = await _told(workspace, "I have read back")

        assert f"I have read back {len(said) + 1} messages of this channel" in told  # the reply is in the part left
        assert len(_of_the_bot(workspace)) == 1
        async with MemoryManager.open(redis_url) as memory:

            async def all_kept() -> bool:
                kept = [each.id for each in await memory.recall("", channel=CHANNEL, limit=2 * len(said))]
                return sorted(kept) == sorted([*said, missed, reply])

            await wait_until(all_kept, within_s=WITHIN_S, what="the memory of each message, once")
        assert "the zeppelin of ferry 7" in await scene.asked("who left the zeppelin?")
        assert "by balloon" in await scene.asked("how will the heir come?")


def _history(workspace: Workspace) -> list[str]:
    """More than two requests bring, with threads."""
    start = datetime.now(UTC) - timedelta(days=20)
    said = [workspace.remember(AIKO.id, CHANNEL, "We parked the zeppelin of ferry 7", start)]
    for number in range(1, 260):
        at = start + timedelta(minutes=number)
        ts = workspace.remember(MINA.id, CHANNEL, f"Shift note {number}", at)
        said.append(ts)
        if number % 20 == 0:
            reply = workspace.remember(AIKO.id, CHANNEL, f"Seen {number}", at + timedelta(seconds=9), thread=ts)
            said.append(reply)
    return said


def _of_the_bot(workspace: Workspace) -> list[str]:
    """What it has said in the channel."""
    me = workspace.team.app.user_id
    return [message["text"] for message in workspace.messages(CHANNEL) if message["user"] == me]


async def _told(workspace: Workspace, words: str) -> str:
    """What the bot says in the channel, once it holds these words."""

    def said() -> str | None:
        return next((text for text in _of_the_bot(workspace) if words in text), None)

    return await workspace.wait_for(said, within_s=WITHIN_S, what=words)
