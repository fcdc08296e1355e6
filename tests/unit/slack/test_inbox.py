from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.posted import alerts_in
from bot.errors import BadInput
from bot.slack import inbox
from bot.slack.client import Identity

US = Identity(user="U0BOT", bot="B0BOT", team="T1", url="https://x.slack.com/", scopes=frozenset())
SAID: dict[str, Any] = {"user": "U0MINA", "text": "hello", "ts": "1700000000.000100", "channel": "C1"}


def test_a_permalink_is_built_as_slack_builds_it() -> None:
    assert US.permalink("C1", "1700000000.000100") == "https://x.slack.com/archives/C1/p1700000000000100"
    assert US.permalink("C1", "1700000001.000200", "1700000000.000100") == (
        "https://x.slack.com/archives/C1/p1700000001000200?thread_ts=1700000000.000100&cid=C1"
    )


@pytest.mark.parametrize(
    "change",
    [{"user": "U0BOT"}, {"user": None, "bot_id": "B0BOT"}, {"subtype": "channel_join"}, {"text": "  "}],
    ids=["own", "own bot", "a join", "nothing said"],
)
def test_what_nobody_said_is_no_message(change: dict[str, Any]) -> None:
    assert inbox.message({**SAID, **change}, "C1", US) is None


@pytest.mark.parametrize("subtype", ["bot_message", "file_share", "file_comment", "me_message", "thread_broadcast"])
def test_what_somebody_said_in_another_way_is_a_message(subtype: str) -> None:
    found = inbox.message({**SAID, "subtype": subtype}, "C1", US)
    assert found is not None
    assert found.text == "hello"


def test_words_in_blocks_and_attachments_are_read() -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "5xx &gt; 10 %"}}
    attachment = {"pretext": "Firing", "fields": [{"title": "job", "value": "api"}]}
    raw = {**SAID, "text": "", "blocks": [block, {"type": "divider"}], "attachments": [attachment, {"fallback": "f"}]}
    assert inbox.said(raw) == "Firing\njob: api\nf\n5xx > 10 %"


def test_an_endless_message_is_cut() -> None:
    assert len(inbox.said({"text": "x" * 100_000})) == inbox.LONGEST_TEXT


@pytest.mark.parametrize(
    ("text", "to_bot"),
    [
        ("<@U0BOT> why is payments slow?", True),
        ("hey <@U0BOT|nightdesk>, status", True),
        ("你好，<@U0BOT> 状态", True),
        ("the board says what <@U0BOT> found", False),
        ("<@U0TOM> ask <@U0BOT>", False),
    ],
)
def test_what_begins_with_the_mention_of_the_bot_is_spoken_to_it(text: str, to_bot: bool) -> None:
    found = inbox.message({**SAID, "text": text}, "C1", US)
    assert found is not None
    assert found.to_bot is to_bot


def test_what_is_said_to_the_bot_alone_is_spoken_to_it() -> None:
    found = inbox.message(SAID, "D0MINA", US)
    assert found is not None
    assert found.to_bot


def test_a_mention_knows_its_address() -> None:
    event = {**SAID, "text": "<@U0BOT> status", "thread_ts": "1600000000.000100"}
    assert inbox.mention("Ev1", event, US).permalink == US.permalink("C1", SAID["ts"], "1600000000.000100")


def test_a_tombstone_is_a_deletion() -> None:
    event = {**SAID, "subtype": "message_changed", "message": {"subtype": "tombstone", "ts": "1.2"}}
    assert inbox.deleted(event, US) == "1.2"
    assert inbox.edited(event, US) is None


@pytest.mark.parametrize("subtype", [None, "bot_message", "me_message", "thread_broadcast"])
def test_an_edit_is_the_message_as_it_reads_now(subtype: str | None) -> None:
    now = {**SAID, "subtype": subtype, "text": "it was the cache", "edited": {"user": "U0MINA", "ts": "1700000009.0"}}
    event = {"subtype": "message_changed", "channel": "C1", "message": now, "previous_message": SAID}
    found = inbox.edited(event, US)
    assert inbox.deleted(event, US) is None
    assert found is not None
    assert (found.id, found.text) == (SAID["ts"], "it was the cache")


def test_an_edit_that_leaves_nothing_said_is_a_deletion() -> None:
    event = {"subtype": "message_changed", "channel": "C1", "message": {**SAID, "text": ""}, "previous_message": SAID}
    assert inbox.deleted(event, US) == SAID["ts"]


def test_an_edit_of_nothing_is_no_deletion() -> None:
    assert inbox.deleted({"subtype": "message_changed", "channel": "C1"}, US) is None


@pytest.mark.parametrize("name", ["attachments", "files", "blocks"])
def test_a_null_in_a_list_hides_nothing_else(name: str) -> None:
    assert inbox.said({**SAID, "text": "", name: [None], "attachments": [None, {"text": "disk full"}]}) == "disk full"


def test_no_text_is_not_a_word() -> None:
    assert inbox.mention("Ev1", {**SAID, "text": None}, US).text == ""


def test_our_own_message_that_is_gone_was_never_remembered() -> None:
    gone = {"subtype": "message_deleted", "deleted_ts": "1.2", "previous_message": {**SAID, "user": "U0BOT"}}
    assert inbox.deleted(gone, US) is None
    assert inbox.deleted({**gone, "previous_message": {**SAID, "subtype": "thread_broadcast"}}, US) == "1.2"


def test_a_comment_on_a_file_is_said_by_who_wrote_it() -> None:
    comment = {"comment": "this is the slow query", "user": "U0RAJ"}
    found = inbox.message({**SAID, "subtype": "file_comment", "text": "Raj commented", "comment": comment}, "C1", US)
    assert found is not None
    assert (found.user, found.text) == ("U0RAJ", "this is the slow query")


def test_a_file_is_known_by_its_name_until_it_is_deleted() -> None:
    files = [{"title": "slow.log", "mode": "hosted"}, {"name": "old.png", "mode": "tombstone"}]
    assert inbox.said({**SAID, "subtype": "file_share", "text": "look", "files": files}) == "look\n[file: slow.log]"


def test_a_command_knows_whom_it_mentions() -> None:
    command = inbox.command({"user_id": "U1", "channel_id": "C1", "text": "forget <@U0RAJ|raj> confirm"})
    assert (command.text, command.people) == ("forget @raj confirm", ("U0RAJ",))


def test_a_pushpin_names_who_wrote_the_message() -> None:
    item = {"type": "message", "channel": "C1", "ts": "1.2"}
    taught = inbox.lesson("Ev1", {"reaction": "pushpin", "user": "U1", "item": item, "item_user": "U2"})
    assert taught is not None
    assert (taught.user, taught.author) == ("U1", "U2")


def test_a_reaction_on_something_else_than_a_message_teaches_nothing() -> None:
    assert inbox.lesson("Ev1", {"reaction": "pushpin", "user": "U1", "item": {"type": "file"}}) is None


@pytest.mark.parametrize("value", ["", "NDK4", ":a1", "NDK4:", None])
def test_a_button_that_is_not_ours_is_refused(value: str | None) -> None:
    body = {"actions": [{"value": value, "action_ts": "1.2"}], "channel": {"id": "C1"}, "user": {"id": "U1"}}
    with pytest.raises(BadInput):
        inbox.pressed(body, "approve")


def test_a_repeated_delivery_of_a_press_reads_the_same() -> None:
    body = {
        "actions": [{"value": "NDK4:p1:a1b2", "action_ts": "1700000000.5"}],
        "channel": {"id": "C1"},
        "message": {"ts": "1.2"},
        "user": {"id": "U1"},
    }
    first = inbox.pressed(body, "approve")
    assert (first.proposal_id, first.digest) == ("NDK4:p1", "a1b2")
    assert first == inbox.pressed(body, "approve")


@pytest.mark.parametrize("ts", ["", "soon", "1e300", None])
def test_what_is_no_timestamp_is_refused(ts: Any) -> None:
    with pytest.raises(BadInput):
        inbox.moment(ts)


WHOLE: dict[str, Any] = {
    "type": "message", "user": "U0MINA", "text": "hello <@U1|x>", "ts": "1700000000.000100",
    "thread_ts": "1700000000.000100", "channel": "C1", "bot_id": "B1", "bot_profile": {"name": "n"},
    "comment": {"comment": "c", "user": "U1"}, "subtype": "bot_message", "username": "alert",
    "files": [{"title": "t", "name": "n", "mode": "x"}],
    "attachments": [{"pretext": "[FIRING:1] A", "title": "t", "text": "x", "fallback": "f", "color": "danger",
                     "fields": [{"title": "Service", "value": "api"}], "blocks": [{"text": {"text": "x"}}]}],
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "5xx"}, "fields": [{"text": "y"}]}],
}  # fmt: skip
ABOUT = {"channel": "C1", "message": WHOLE, "previous_message": WHOLE, "deleted_ts": "1.1"}
PRESSED = {
    "user": {"id": "U1"}, "channel": {"id": "C1"}, "message": {"ts": "1.1"},
    "actions": [{"value": "p.1:3", "action_ts": "1.1"}],
}  # fmt: skip
PINNED = {"reaction": "pushpin", "user": "U1", "item": {"type": "message", "channel": "C1", "ts": "1.1"}}
READ: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], object]]] = {
    "a mention": (WHOLE, lambda raw: inbox.mention("Ev1", raw, US)),
    "a message": (WHOLE, lambda raw: inbox.message(raw, "C1", US)),
    "an alert": (WHOLE, lambda raw: alerts_in(raw, "C1")),
    "an edit": ({**ABOUT, "subtype": "message_changed"}, lambda raw: inbox.edited(raw, US)),
    "an emptied message": ({**ABOUT, "subtype": "message_changed"}, lambda raw: inbox.deleted(raw, US)),
    "a deletion": ({**ABOUT, "subtype": "message_deleted"}, lambda raw: inbox.deleted(raw, US)),
    "a pushpin": (PINNED, lambda raw: inbox.lesson("Ev1", raw)),
    "a press": (PRESSED, lambda raw: inbox.pressed(raw, "approve")),
    "an answer": (PRESSED, inbox.replied),
    "a command": ({"user_id": "U1", "channel_id": "C1", "text": "status"}, inbox.command),
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 50_000),
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(st.text(max_size=5), inside, max_size=2),
    max_leaves=4,
)


@st.composite
def disturbed(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """What Slack sends, with one place of it left out or replaced by anything."""
    name = draw(st.sampled_from(sorted(READ)))
    body = {"": copy.deepcopy(READ[name][0])}
    here: Any = body[""]
    key: Any = draw(st.sampled_from(sorted(here)))
    while here[key] and isinstance(here[key], dict | list) and draw(st.integers(0, 3)):
        here = here[key]
        key = draw(st.sampled_from(sorted(here)) if isinstance(here, dict) else st.integers(0, len(here) - 1))
    if draw(st.booleans()):
        here[key] = draw(ANYTHING)
    else:
        del here[key]
    return name, body[""]


@given(disturbed())
def test_whatever_stands_where_slack_sends_something_else_is_read_or_is_bad_input(
    sent: tuple[str, dict[str, Any]],
) -> None:
    name, body = sent
    with contextlib.suppress(BadInput):
        READ[name][1](body)


def test_an_integration_that_writes_odd_attachments_is_still_heard() -> None:
    odd = {"attachments": "none", "files": 7, "blocks": {"a": 1}, "comment": "c", "bot_profile": [], "thread_ts": None}
    found = inbox.message({**SAID, **odd}, "C1", US)
    assert found is not None
    assert (found.text, found.user, found.thread) == ("hello", "U0MINA", None)
