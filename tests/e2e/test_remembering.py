"""What people say is remembered as they said it, corrected as they know better, and forgotten as they want.

The words that are looked for in the end are in nobody's question: those are remembered too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from bot.demo.workspace import AIKO, MINA, RAJ, TOM
from bot.memory import MemoryManager
from bot.memory.reserved import TAUGHT
from tests.e2e.scene import WITHIN_S, Scene
from tests.remains import holding, terms
from tests.servers.nightdesk import CHANNEL
from tests.servers.process import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEPLOYS, GENERAL = "C0DEPLOYS", "C0GENERAL"


@pytest_asyncio.fixture(loop_scope="module")
async def replica(scene: Scene) -> AsyncIterator[MemoryManager]:
    """The memory of another process over the same Redis."""
    async with MemoryManager.open(scene.redis_url) as memory:
        yield memory


def link(scene: Scene, channel: str, ts: str) -> str:
    """As it is pasted from the menu of a message."""
    return f"<{scene.workspace.url}/archives/{channel}/p{ts.replace('.', '')}>"


async def assert_gone(scene: Scene, replica: MemoryManager, word: str) -> None:
    """Neither Redis nor an index holds the word."""

    async def nowhere() -> bool:
        return await holding(scene.redis_url, word) == []

    try:
        await wait_until(nowhere, within_s=5)  # an answer may have been seen before its task ends
    except AssertionError:
        raise AssertionError(f"{word!r} is left in {await holding(scene.redis_url, word)}") from None
    assert await replica.recall(word) == []
    assert not [term for term in terms(replica) if word in term]


async def test_of_a_message_that_is_forgotten_nothing_is_left(scene: Scene, replica: MemoryManager) -> None:
    ts = await scene.workspace.say(TOM.id, CHANNEL, "The vault listens on port 7777, ask Quokka for the key")
    assert "Quokka" in await scene.asked("which port has the vault?")
    assert len(await replica.recall("quokka")) == 1
    words = f"forget message {link(scene, CHANNEL, ts)}"
    assert "Only approvers" in await scene.ordered(words, user=RAJ.id)
    assert "Forgotten for good: 1 entry" in await scene.ordered(words, user=TOM.id)
    await assert_gone(scene, replica, "quokka")
    await assert_gone(scene, replica, "Quokka")
    assert "Nothing here remembers that yet" in await scene.asked("which port has the vault?")


async def test_of_a_person_who_is_forgotten_nothing_is_left(scene: Scene, replica: MemoryManager) -> None:
    first = await scene.workspace.say(RAJ.id, CHANNEL, "The wombat job reads 40 queues")
    await scene.workspace.say(RAJ.id, CHANNEL, "and its wombat logs are in /var/wombat", first)
    await scene.workspace.say(RAJ.id, DEPLOYS, "wombat 2.1 is out")
    assert "Remembered" in await scene.asked("remember: restart the wombat after a failover", user=RAJ.id)
    assert "wombat" in await scene.asked("what did Raj say about queues?")

    assert "Only approvers" in await scene.ordered("forget <@U0RAJ|raj>", user=TOM.id)
    asked = await scene.ordered("forget <@U0RAJ|raj>")
    assert "5 messages of <@U0RAJ>, in every channel" in asked  # the lesson is one as well
    assert "`/nightdesk forget @raj confirm`" in asked
    assert await replica.recall("wombat")
    assert "Forgotten for good: 5 entries" in await scene.ordered("forget <@U0RAJ|raj> confirm")
    await assert_gone(scene, replica, "wombat")
    assert await replica.count(user=RAJ.id) == 0

    await scene.workspace.say(RAJ.id, CHANNEL, "I am back, and the echidna job is mine")
    assert "echidna" in await scene.asked("what did Raj say about a job?")


async def test_of_a_channel_that_is_forgotten_nothing_is_left(scene: Scene, replica: MemoryManager) -> None:
    pinned = await scene.workspace.say(AIKO.id, GENERAL, "Nobody reboots the gateway without asking Numbat")
    await scene.workspace.say(TOM.id, GENERAL, "Numbat is on leave until June", pinned)
    await scene.workspace.settle()
    await scene.workspace.react(MINA.id, pinned, "pushpin")
    await _marked(scene, GENERAL, pinned)
    assert "Numbat" in await scene.asked("who may reboot the gateway?"), "a lesson is told everywhere"

    assert "Only approvers" in await scene.ordered("forget channel", user=TOM.id, channel=GENERAL)
    assert "2 messages of this channel" in await scene.ordered("forget channel", channel=GENERAL)
    assert await replica.recall("numbat")
    assert "Forgotten for good: 3 entries" in await scene.ordered("forget channel confirm", channel=GENERAL)
    await assert_gone(scene, replica, "numbat")
    await assert_gone(scene, replica, "Numbat")
    assert await replica.count(channel=GENERAL) == 0


async def test_a_lesson_that_is_pinned_twice_is_one_and_a_correction_stands_until_it_is_forgotten(
    scene: Scene, replica: MemoryManager
) -> None:
    taught = await scene.workspace.say(AIKO.id, CHANNEL, "The exporter must be stopped before the ledger is migrated")
    await scene.workspace.settle()
    for user in (MINA.id, TOM.id):
        await scene.workspace.react(user, taught, "pushpin")
        await scene.workspace.settle()
    await _marked(scene, CHANNEL, taught)
    question = "what must be stopped before a migration of the ledger?"
    assert (await scene.asked(question)).count("The exporter must be stopped") == 1

    wrong = "that was wrong because the exporter stops by itself when the ledger is migrated, says Potoroo"
    assert "Corrected, in your name: the exporter stops by itself" in await scene.asked(wrong, thread=taught)
    told = await scene.asked(question)
    before, _, later = told.partition("Later:")
    assert "The exporter must be stopped" in before
    assert "the exporter stops by itself" in later

    [correction] = await replica.recall("Potoroo", channel=TAUGHT, limit=1)
    spoken = correction.id.rpartition(":")[2]
    assert "Forgotten for good" in await scene.ordered(f"forget message {link(scene, CHANNEL, spoken)}")
    await assert_gone(scene, replica, "potoroo")
    await assert_gone(scene, replica, "Potoroo")
    told = await scene.asked(question)
    assert told.count("The exporter must be stopped") == 1
    assert "Later:" not in told


async def test_a_long_report_code_links_and_chinese_are_told_by_what_bears_on_the_question(scene: Scene) -> None:
    quiet = "The next minute was quiet, and nobody called. "
    await scene.workspace.say(
        AIKO.id, CHANNEL, f"{quiet * 60}The tariff service hung since its thread pool was full. {quiet * 60}"
    )
    code = "```\nselect pid from pg_stat_activity\nwhere state = 'idle in transaction' &amp;&amp; age &gt; 60\n```"
    await scene.workspace.say(TOM.id, CHANNEL, f"To find idle sessions:\n{code}")
    await scene.workspace.say(MINA.id, CHANNEL, "The dashboard of fees: <https://grafana.example.com/d/fees?x=1|fees>")
    await scene.workspace.say(AIKO.id, CHANNEL, "网关昨晚超时，原因是证书过期，已经续期了")

    assert "The tariff service hung since its thread pool was full." in await scene.asked("why did the tariff hang?")
    told = await scene.asked("how do I find idle sessions?")
    assert "where state = 'idle in transaction' && age > 60" in told
    assert "https://grafana.example.com/d/fees?x=1" in await scene.asked("where is the dashboard of fees?")
    assert "原因是证书过期" in await scene.asked("网关为什么超时？")
    assert "Remembered: 周五不发布网关" in await scene.asked("记住：周五不发布网关")
    assert "周五不发布网关" in await scene.asked("周五可以发布网关吗？")


async def test_a_channel_that_the_bot_is_invited_to_is_read_back_and_says_so(scene: Scene) -> None:
    me = scene.workspace.team.app.user_id
    scene.workspace.team.channels[DEPLOYS].members.discard(me)
    before = datetime.now(UTC) - timedelta(days=3)
    first = scene.workspace.remember(TOM.id, DEPLOYS, "The kiosk was moved to the cassowary cluster", before)
    scene.workspace.remember(AIKO.id, DEPLOYS, "by hand, mind you", before + timedelta(minutes=5), thread=first)
    scene.workspace.join(me, DEPLOYS)

    def read_back() -> bool:
        return any("I have read back" in message["text"] for message in scene.workspace.messages(DEPLOYS))

    await scene.workspace.wait_for(read_back, within_s=WITHIN_S, what="the end of reading back")
    told = await scene.asked("where was the kiosk moved to?", channel=DEPLOYS)
    assert "the cassowary cluster" in told
    assert "by hand, mind you" in told
    assert "cassowary" not in await scene.asked("where was the kiosk moved to?"), "talk of a channel stays there"


async def _marked(scene: Scene, channel: str, ts: str) -> None:
    """Wait until the bot has marked the message as a lesson."""
    me = scene.workspace.team.app.user_id

    def marked() -> bool:
        reactions = scene.workspace.thread(channel, ts)[0]["reactions"]
        return any(one["name"] == "brain" and one["users"] == [me] for one in reactions)

    await scene.workspace.wait_for(marked, within_s=WITHIN_S, what="the mark of a lesson")
