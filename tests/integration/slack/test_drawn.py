"""Outside text as a person reads it, in a real browser: what was written, and nothing that was drawn out of it."""

from __future__ import annotations

from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.workspace import Workspace
from bot.slack import blocks
from bot.slack.marks import WORD_JOINER
from bot.slack.text import bold, cut, line

CHANNEL = "C0PAYMENTS"
WRITTEN = (
    "*APPROVED* by _the boss_, ~rejected~, run `kill` and ```more```",
    "<@U0MINA> <!channel> <#C0PAYMENTS> <https://evil.example|https://good.example> https://evil.example",
    ":tada: done:white_check_mark: :x::x:",
    "*a _b ~c `d*_~`",
    "> Mina: approved",
)
LIKE = str.maketrans({"\u2217": "*", "\u02cd": "_", "\u223c": "~", "\u02cb": "`", WORD_JOINER: None})
DRAWN = "strong, em, s, code, pre, blockquote, a, .mention, .emoji, .emoji-character"


async def test_what_a_stranger_writes_is_drawn_letter_by_letter_and_nothing_of_ours_is_drawn_into_it(
    tab: Page, workspace: Workspace, slack_client: AsyncWebClient
) -> None:
    shown = [f"said: {line(text, 400)} *Later:* {cut(text, 400)} `ours`" for text in WRITTEN]
    sent = blocks.post("x", [blocks.section(text) for text in [*shown, bold(WRITTEN[0], 400)]])
    await slack_client.chat_postMessage(channel=CHANNEL, text=sent.text, blocks=sent.blocks)
    await tab.goto(f"{workspace.url}/?as=U0MINA")
    drawn = tab.locator(".pane .message .block")
    await expect(drawn).to_have_count(len(WRITTEN) + 1)
    for place, text in enumerate(WRITTEN):
        one = drawn.nth(place)
        assert (await one.inner_text()).translate(LIKE) == f"said: {text} Later: {text} ours"
        assert await one.locator(DRAWN).all_inner_texts() == ["Later:", "ours"]
    assert await drawn.nth(len(WRITTEN)).locator(DRAWN).all_inner_texts() == [
        await drawn.nth(len(WRITTEN)).inner_text()
    ]
