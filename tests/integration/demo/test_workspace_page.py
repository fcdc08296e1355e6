"""The page, in a real browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.workspace import Workspace

CHANNEL = "C0PAYMENTS"


def text(words: str) -> dict[str, str]:
    return {"type": "plain_text", "text": words}


CARD: list[dict[str, Any]] = [
    {"type": "header", "text": text(":red_circle: PaymentErrors")},
    {"type": "section", "text": {"type": "mrkdwn", "text": "*12 %* of `payments` fail, <@U0MINA>"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "style": "primary", "action_id": "approve", "value": "p-1", "text": text("Approve"),
             "confirm": {"title": text("End backend 4711?"), "text": {"type": "mrkdwn", "text": "One *session* ends."},
                         "confirm": text("Yes, approve"), "deny": text("Cancel")}},
            {"type": "button", "style": "danger", "action_id": "reject", "value": "p-1", "text": text("Reject")},
        ],
    },
]  # fmt: skip
MODAL = {
    "type": "modal",
    "callback_id": "reject",
    "title": text("Reject this change"),
    "submit": text("Reject"),
    "blocks": [
        {"type": "input", "block_id": "why", "label": text("Why?"),
         "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True}},
    ],
}  # fmt: skip


@pytest.fixture
async def page(tab: Page, workspace: Workspace) -> Page:
    """The page of the workspace, seen by Mina."""
    await tab.goto(f"{workspace.url}/?as=U0MINA")
    await expect(tab.get_by_role("heading", name="payments-oncall", exact=True)).to_be_visible()
    return tab


async def post_card(client: AsyncWebClient) -> str:
    return str((await client.chat_postMessage(channel=CHANNEL, text="Approve?", blocks=CARD))["ts"])


async def test_a_card_is_drawn_from_its_blocks(page: Page, slack_client: AsyncWebClient) -> None:
    await post_card(slack_client)
    card = page.locator(".pane .message")
    await expect(card.get_by_role("heading", name="PaymentErrors")).to_be_visible()
    await expect(card.get_by_role("img", name="red circle")).to_be_visible()
    await expect(card.locator("strong", has_text="12 %")).to_be_visible()
    await expect(card.locator("code", has_text="payments")).to_be_visible()
    await expect(card.locator(".mention.loud", has_text="@mina")).to_be_visible()
    await expect(card.get_by_role("button", name="Approve")).to_be_enabled()


async def test_an_update_is_seen_without_reloading(page: Page, slack_client: AsyncWebClient) -> None:
    ts = await post_card(slack_client)
    approve = page.locator(".pane").get_by_role("button", name="Approve")
    await expect(approve).to_be_visible()
    done = {"type": "context", "elements": [{"type": "mrkdwn", "text": ":white_check_mark: Approved by <@U0MINA>"}]}
    await slack_client.chat_update(channel=CHANNEL, ts=ts, text="Approved", blocks=[CARD[0], done])
    await expect(page.get_by_text("Approved by")).to_be_visible()
    await expect(approve).to_have_count(0)
    await expect(page.get_by_text("(edited)")).to_be_visible()


async def test_approving_asks_first_and_then_acts_as_the_chosen_person(
    page: Page, bolt: AsyncApp, slack_client: AsyncWebClient
) -> None:
    clicks: list[tuple[str, str]] = []
    acknowledge = asyncio.Event()

    @bolt.action("approve")
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        clicks.append((body["user"]["id"], body["actions"][0]["value"]))
        await acknowledge.wait()
        await ack()

    await post_card(slack_client)
    await page.get_by_role("button", name="Tom Lindqvist").click()
    button = page.locator(".pane").get_by_role("button", name="Approve")
    await button.click()
    dialog = page.get_by_role("dialog", name="End backend 4711?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert clicks == []

    await button.click()
    await dialog.get_by_role("button", name="Yes, approve").click()
    await expect(button).to_have_attribute("aria-busy", "true")
    acknowledge.set()
    await expect(button).not_to_have_attribute("aria-busy", "true")
    assert clicks == [("U0TOM", "p-1")]


async def test_a_bot_that_does_not_answer_is_shown_beside_the_button(
    page: Page, workspace: Workspace, slack_client: AsyncWebClient
) -> None:
    workspace.connect("http://127.0.0.1:9/slack/events")
    await post_card(slack_client)
    await page.locator(".pane").get_by_role("button", name="Reject").click()
    await expect(page.locator(".actions-block").get_by_role("alert")).to_have_text("Nightdesk cannot be reached.")


async def test_rejecting_needs_a_reason(page: Page, bolt: AsyncApp, slack_client: AsyncWebClient) -> None:
    reasons: list[str] = []

    @bolt.action("reject")
    async def reject(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @bolt.view("reject")
    async def rejected(ack: AsyncAck, view: dict[str, Any]) -> None:
        reasons.append(view["state"]["values"]["why"]["reason"]["value"])
        await ack()

    await post_card(slack_client)
    await page.locator(".pane").get_by_role("button", name="Reject").click()
    modal = page.get_by_role("dialog", name="Reject this change")
    await modal.get_by_role("button", name="Reject").click()
    await expect(modal.get_by_role("alert")).to_have_text("Please complete this required field.")
    await expect(modal.get_by_label("Why?")).to_be_focused()
    assert reasons == []

    await modal.get_by_label("Why?").fill("the job must finish")
    await modal.get_by_role("button", name="Reject").click()
    await expect(modal).to_have_count(0)
    assert reasons == ["the job must finish"]


HOSTILE = "<script>window.stung=1</script><img src=x onerror=window.stung=1>"
DISGUISES: list[list[dict[str, Any]]] = [
    [],
    [{"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}}],
    [{"type": "section", "text": {"type": "mrkdwn", "text": "<javascript:window.stung=1|x> `" + HOSTILE + "`"}}],
    [{"type": "section", "text": text(HOSTILE), "fields": [text(HOSTILE)]}],
    [{"type": "header", "text": text(HOSTILE)}],
    [{"type": "markdown", "text": HOSTILE + " [x](javascript:window.stung=1)"}],
    [{"type": "table", "rows": [[{"type": "raw_text", "text": HOSTILE}]]}],
    [{"type": "image", "image_url": "javascript:window.stung=1", "alt_text": HOSTILE}],
]


async def test_hostile_text_stays_text(page: Page, slack_client: AsyncWebClient) -> None:
    for blocks in DISGUISES:
        await slack_client.chat_postMessage(channel=CHANNEL, text=HOSTILE, blocks=blocks)
    messages = page.locator(".pane .message")
    await expect(messages).to_have_count(len(DISGUISES))
    await expect(messages.locator("script, [onerror], [href^='javascript'], [src^='javascript']")).to_have_count(0)
    assert await page.evaluate("window.stung") is None


async def test_what_a_person_types_is_escaped_and_mentions_are_resolved(page: Page, workspace: Workspace) -> None:
    await page.get_by_label("Message #payments-oncall").fill("@tom is <b>this</b> in #deploys?")
    await page.keyboard.press("Enter")
    [said] = await workspace.wait_for(lambda: workspace.messages(CHANNEL))
    assert said["text"] == "<@U0TOM> is &lt;b&gt;this&lt;/b&gt; in <#C0DEPLOYS|deploys>?"
    await expect(page.locator(".pane .message .body")).to_have_text("@tom is <b>this</b> in #deploys?")


async def test_a_thread_opens_at_its_address_and_takes_a_reply(page: Page, workspace: Workspace) -> None:
    ts = await workspace.say("U0TOM", CHANNEL, "queue is growing")
    await workspace.say("U0AIKO", CHANNEL, "since when?", thread=ts)
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("since when?")).to_be_visible()
    assert page.url.endswith(f"/archives/{CHANNEL}/p{ts.replace('.', '')}")
    await thread.get_by_label("Reply…").fill("03:03")
    await page.keyboard.press("Enter")
    await expect(thread.get_by_text("2 replies")).to_be_visible()
    await page.reload()
    await expect(thread.locator(".message").last).to_contain_text("03:03")


async def test_unread_channels_are_marked_until_they_are_opened(page: Page, workspace: Workspace) -> None:
    await workspace.say("U0TOM", "C0DEPLOYS", "payments 4.18.1 is out")
    deploys = page.get_by_role("button", name="deploys")
    await expect(deploys.get_by_title("Unread")).to_be_visible()
    await deploys.click()
    await expect(deploys.get_by_title("Unread")).to_have_count(0)
    await expect(page.get_by_role("separator", name="New")).to_be_visible()


async def test_an_ephemeral_message_is_shown_to_its_person_alone(page: Page, slack_client: AsyncWebClient) -> None:
    await slack_client.chat_postEphemeral(channel=CHANNEL, user="U0MINA", text="You may not approve this.")
    await expect(page.locator(".toast")).to_contain_text("You may not approve this.")
    await expect(page.locator(".pane .message")).to_contain_text("Only visible to you")
    await page.get_by_role("button", name="Tom Lindqvist").click()
    await expect(page.locator(".pane .message")).to_have_count(0)


async def test_the_home_tab_is_asked_for_and_drawn(page: Page, bolt: AsyncApp) -> None:
    @bolt.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        blocks = [{"type": "header", "text": text("No open incidents")}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    await page.get_by_role("button", name="Nightdesk").click()
    await expect(page.get_by_role("heading", name="No open incidents")).to_be_visible()


async def test_the_narrow_page_keeps_everything_within_the_window(page: Page, slack_client: AsyncWebClient) -> None:
    await post_card(slack_client)
    await page.set_viewport_size({"width": 360, "height": 740})
    await expect(page.locator(".pane").get_by_role("button", name="Approve")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await page.get_by_role("button", name="Channels").click()
    await expect(page.get_by_role("button", name="Tom Lindqvist")).to_be_in_viewport()


async def test_the_whole_decision_can_be_made_with_the_keyboard(
    page: Page, bolt: AsyncApp, slack_client: AsyncWebClient
) -> None:
    decided = asyncio.Event()

    @bolt.action("approve")
    async def approve(ack: AsyncAck) -> None:
        await ack()
        decided.set()

    await post_card(slack_client)
    await expect(page.locator(".pane .message")).to_be_visible()
    await page.locator(".pane .messages").focus()
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(".pane .message")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.locator(".pane").get_by_role("button", name="Approve")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await asyncio.wait_for(decided.wait(), 10)
