"""The picture of a run in its thread: one message, redrawn in place."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.workspace import Trouble, Workspace
from bot.errors import PlaybookError, SlackRefused
from bot.models import Chart
from bot.slack.client import Slack
from bot.slack.easel import Easel, Sketch
from bot.slack.ledger import Ledger
from bot.slack.outbox import Outbox

CHANNEL = "C0PAYMENTS"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


def sketch(words: str, *, fails: bool = False) -> Sketch:
    async def paint() -> bytes:
        if fails:
            raise PlaybookError("no picture today")
        return PNG + words.encode()

    return Sketch("260301-TESTED:1", "General triage", words, fingerprint=words, paint=paint)


@pytest.fixture
def easel(slack: Slack, ledger: Ledger) -> Easel:
    return Easel(Outbox(slack, ledger), ledger)


@pytest.fixture
async def thread(slack: Slack) -> str:
    return str((await slack.telling.chat_postMessage(channel=CHANNEL, text="card"))["ts"])


def drawn(workspace: Workspace, thread: str) -> list[dict[str, Any]]:
    return workspace.thread(CHANNEL, thread)[1:]


def picture(message: dict[str, Any]) -> str | None:
    return next((block["slack_file"]["id"] for block in message["blocks"] if block["type"] == "image"), None)


async def test_one_message_is_redrawn_as_the_run_moves_and_old_pictures_go(
    workspace: Workspace, easel: Easel, thread: str
) -> None:
    await easel.show("I", CHANNEL, thread, sketch("✓ Begin\n▶ Look"))
    (first,) = drawn(workspace, thread)
    await easel.show("I", CHANNEL, thread, sketch("✓ Begin\n✓ Look\n⏳ Ask"))
    (second,) = drawn(workspace, thread)
    assert first["ts"] == second["ts"]
    before, after = picture(first), picture(second)
    assert before
    assert after
    assert (workspace.team.shelf.stored(before), workspace.team.shelf.stored(after)) == (False, True)
    assert workspace.team.shelf.find(after).content == PNG + "✓ Begin\n✓ Look\n⏳ Ask".encode()
    assert second["text"] == "Where the playbook “General triage” stands: ⏳ Ask"
    assert "⏳ Ask" in next(block["alt_text"] for block in second["blocks"] if block["type"] == "image")


async def test_what_has_not_moved_is_not_painted_again(easel: Easel, thread: str) -> None:
    assert await easel.show("I", CHANNEL, thread, sketch("✓ Begin"))
    assert not await easel.show("I", CHANNEL, thread, sketch("✓ Begin", fails=True))


async def test_where_there_is_no_picture_the_thread_says_it_in_words(
    workspace: Workspace, easel: Easel, thread: str
) -> None:
    await easel.show("I", CHANNEL, thread, sketch("✓ Begin\n▶ <!channel>", fails=True))
    (message,) = drawn(workspace, thread)
    told = "".join(block.get("text", {}).get("text", "") for block in message["blocks"] if block["type"] == "section")
    assert "✓ Begin" in told
    assert "<!channel>" not in told
    await easel.show("I", CHANNEL, thread, sketch("✓ Begin\n✓ Look"))
    assert picture(*drawn(workspace, thread))


async def test_a_picture_that_slack_cannot_show_yet_is_shown_a_moment_later(
    workspace: Workspace, slack: Slack, ledger: Ledger, thread: str
) -> None:
    waited: list[float] = []

    class Hasty(Outbox):
        """Its uploads are not processed yet."""

        async def store(self, name: str, chart: Chart) -> str:
            file_id = await super().store(name, chart)
            workspace.team.shelf.drop(file_id)
            return file_id

    async def processed(seconds: float) -> None:
        waited.append(seconds)
        for file in workspace.team.shelf._files.values():
            file.content = PNG

    easel = Easel(Hasty(slack, ledger), ledger, pause=processed)
    await easel.show("I", CHANNEL, thread, sketch("✓ Begin"))
    assert picture(*drawn(workspace, thread))
    assert waited == [0.3]


async def test_a_message_whose_answer_was_lost_is_not_sent_twice(
    workspace: Workspace, easel: Easel, thread: str
) -> None:
    workspace.faults.next("chat.postMessage", Trouble.LOST_ANSWER)
    with pytest.raises(SlackRefused):
        await easel.show("I", CHANNEL, thread, sketch("✓ Begin"))
    await easel.show("I", CHANNEL, thread, sketch("✓ Begin"))
    assert len(drawn(workspace, thread)) == 1


async def test_a_draft_is_put_into_the_thread_as_a_file_once_and_says_that_it_is_not_in_use(
    workspace: Workspace, easel: Easel, thread: str
) -> None:
    for _ in range(2):
        await easel.offer("I", CHANNEL, thread, "learned-x.md", "---\nid: learned-x\n---\n", "A draft for <!here>.")
    (message,) = drawn(workspace, thread)
    assert [file["name"] for file in message["files"]] == ["learned-x.md"]
    assert "not in use" in message["text"]
    assert "<!here>" not in message["text"]
    content = workspace.team.shelf.find(message["files"][0]["id"]).content
    assert content == b"---\nid: learned-x\n---\n"
