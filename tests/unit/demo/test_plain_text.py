"""What a terminal shows of a thread, and what a person types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.demo.workspace import Team, Workspace
from bot.demo.workspace.plain import readable
from bot.demo.workspace.posts import Post
from bot.demo.workspace.typed import as_slack

CHANNEL = "C0PAYMENTS"
THREE = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def plain(words: str) -> dict[str, str]:
    return {"type": "plain_text", "text": words}


def mrkdwn(words: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": words}


def test_a_thread_reads_like_a_conversation() -> None:
    workspace = Workspace(clock=THREE.timestamp)
    ts = workspace.remember("U0TOM", CHANNEL, "checkout is *slow* &lt;again&gt;", THREE)
    app = workspace.team.app
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain(":red_circle: PaymentErrors")},
        {"type": "section", "text": mrkdwn("*12 %* fail, <@U0MINA>"), "fields": [mrkdwn("*Risk*\nlow")]},
        {"type": "table", "rows": [[{"type": "raw_text", "text": t} for t in row] for row in (["pid"], ["4711"])]},
        {"type": "actions", "elements": [{"type": "button", "style": "primary", "text": plain("Approve")}]},
    ]
    workspace.team.post(Post(CHANNEL, workspace.team.timestamps.mint(), "card", app.user_id, app, thread_ts=ts,
                             blocks=blocks, reactions={"eyes": ["U0MINA"]}))  # fmt: skip
    assert workspace.as_text(CHANNEL, ts).splitlines() == [
        "03:00:00 Tom Lindqvist",
        "         checkout is slow <again>",
        "",
        "  03:00:00 Nightdesk",
        "           🔴 PaymentErrors",
        "           ───────────────",
        "           12 % fail, @mina",
        "           · Risk low",
        "           pid",
        "           4711",
        "           [ ● Approve ]",
        "           👀 1",
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<https://example.com/a|the graph>", "the graph (https://example.com/a)"),
        ("<https://example.com/a>", "https://example.com/a"),
        ("<!subteam^S0ONCALL> and <#C0DEPLOYS>", "@payments-oncall and #deploys"),
        ("<!date^1772420400^{time}|03:00>", "03:00"),
        ("<!here>", "@here"),
        ("2 * 3 * 4 &amp; *bold*", "2 * 3 * 4 & bold"),
        (":warning: :no_such_thing:", "⚠️ :no_such_thing:"),
    ],
)
def test_marks_become_words(written: str, read: str) -> None:
    assert readable(Team.seeded(), written) == read


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("@mina @payments-oncall @nobody", "<@U0MINA> <!subteam^S0ONCALL> @nobody"),
        ("@nightdesk why?", "<@U0NIGHTDESK> why?"),
        ("see #deploys, not #nowhere", "see <#C0DEPLOYS|deploys>, not #nowhere"),
        ("mail mina@example.com", "mail mina@example.com"),
        ("at https://example.com/?a=1&b=2.", "at <https://example.com/?a=1&amp;b=2>."),
        ("<@U0MINA> <!channel>", "&lt;@U0MINA&gt; &lt;!channel&gt;"),
    ],
)
def test_what_is_typed_becomes_slack_text(typed: str, sent: str) -> None:
    assert as_slack(typed, Team.seeded()) == sent
