"""Alerts that other bots post into a channel: Slack messages of Alertmanager, Grafana, PagerDuty, Datadog and others.

Sources of truth: https://docs.slack.dev/reference/messaging/attachments (the message), and the senders' templates:
https://github.com/prometheus/alertmanager/blob/main/template/default.tmpl (`[FIRING:2] …`, which Grafana shares),
https://docs.datadoghq.com/integrations/slack/ (`Triggered: …`),
https://support.pagerduty.com/main/docs/slack-integration-guide (`Triggered #12 …`),
https://docs.aws.amazon.com/chatbot/latest/adminguide/related-services.html (`CloudWatch Alarm | name | region | …`)

A message is an alert if it says where the alert stands: in its headline, in a field called status or state, or, for an
attachment, by Slack's own colours `danger` and `good`. All other messages are talk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from bot.alerts.labels import fingerprint, stated
from bot.alerts.moment import as_moment
from bot.alerts.normal import normal
from bot.alerts.payload import Payload, Text, has, read
from bot.alerts.severity import plain
from bot.alerts.status import WORDS, status_of
from bot.errors import BadInput
from bot.models import Alert, AlertStatus
from bot.slack.text import plain as words_of

NAME = "posted"
COLOURS = {"danger": AlertStatus.FIRING, "good": AlertStatus.RESOLVED}
STATUS_FIELDS = ("status", "state", "alert status", "current state", "alert state")
NAME_FIELDS = ("alarm name", "alert name", "alertname", "monitor name")
MOST_BLOCKS = 50
_HEADLINE = re.compile(
    r"^\W*(?:\[(?P<bracket>FIRING|RESOLVED|OK|ALERTING|NO ?DATA|NORMAL)[^\]]*\]"
    r"|(?P<word>Re-Triggered|Triggered|Recovered|Resolved|Acknowledged|Reopened|Warn|No Data)"
    r"(?: on \{[^}]*\})?(?:\]|:| (?=\W*(?:incident )?#\d)))\s*(?P<name>\S.*)$",
    re.IGNORECASE,
)
_ALARM = re.compile(r"^\W*CloudWatch Alarm \| (?P<name>[^|]+?) \| (?P<region>[^|]+?)(?: \||$)", re.IGNORECASE)
"""As AWS's own bot writes it; whether it is well again is told by the sign before it, or by the text below."""
_WELL = re.compile(r":(?:white_check_mark|heavy_check_mark|large_green_circle):|\b(?:to|state is) OK\b|\[OK\]")
_OPSGENIE = re.compile(
    r"^\W*(?:(?P<said>New|Closed|Acknowledged|Snoozed|Reopened|Unacknowledged|Resolved|Open|Acked) alert\W+)"
    r"(?P<name>#\S+\W+\S.*)$",
    re.IGNORECASE,
)
_LINK = re.compile(r"<https?://[^|>]*\|([^>]*)>")
_LABELLED = re.compile(r"^(\*[^*\n]{1,50}\*):?\n")
_EMOJI = re.compile(r":[a-z0-9_+-]{1,50}:")
_NUMBER = re.compile(r"^\W*(?:incident )?#(?P<number>\d+)\W*", re.IGNORECASE)
_NAMED = "service|severity|priority|environment|env|alertname|job|app|runbook_url"
_LINE = re.compile(rf"^\W*(?P<key>{_NAMED})\W*[:=]\W*(?P<text>\S.*?)\W*$", re.IGNORECASE)


class Part(Payload):
    """A labelled value of an attachment."""

    title: Text = None
    value: Text = None


class Words(Payload):
    """A text object of a block."""

    text: Text = None


class Block(Payload):
    """A part of a message as today's integrations write it; what holds no text is passed over."""

    text: Annotated[Words | None, BeforeValidator(lambda said: {"text": said} if isinstance(said, str) else said)] = (
        None
    )
    fields: list[Words] | None = None

    @property
    def lines(self) -> list[str]:
        """Its texts; a bold label with its value below it is one line."""
        given = [self.text, *(self.fields or ())]
        return [_LABELLED.sub(r"\1: ", one.text) for one in given if one and one.text]


class Attachment(Payload):
    """Where integrations write what they have to say."""

    title: Text = None
    title_link: Text = None
    pretext: Text = None
    text: Text = None
    fallback: Text = None
    color: Text = None
    fields: list[Part] | None = None
    blocks: list[Block] | None = None

    @property
    def body(self) -> str:
        """Its text, and that of its blocks."""
        inside = [line for block in (self.blocks or [])[:MOST_BLOCKS] for line in block.lines]
        return "\n".join([*([self.text] if self.text else []), *inside])

    @property
    def said(self) -> dict[str, str]:
        """The labelled values, by their names in lower case."""
        return {one.title.casefold(): words_of(one.value) for one in self.fields or () if one.title and one.value}


class Posted(Payload):
    """A message of a bot."""

    ts: Text = None
    text: Text = None
    username: Text = None
    bot_id: Text = None
    attachments: list[Attachment] | None = None
    blocks: list[Block] | None = None


def alerts_in(message: Mapping[str, Any], channel: str) -> list[Alert]:
    """The alerts that a message of a bot holds; none of a person's, and of one that is no alert."""
    if not has(message, "bot_id"):
        return []
    try:
        posted = read(Posted, dict(message), sender="a bot in Slack")
    except BadInput:
        return []
    whole = Attachment(text=posted.text, blocks=posted.blocks)
    return [alert for part in posted.attachments or [whole] if (alert := _alert(posted, part, channel))]


def _alert(posted: Posted, part: Attachment, channel: str) -> Alert | None:
    headline = next(iter(_headlines(posted, part)), "")
    found = _headline(headline)
    status = _status(posted, part, found)
    if status is None or not headline:
        return None
    rest = found["name"] if found else next((part.said[key] for key in NAME_FIELDS if key in part.said), headline)
    number = _NUMBER.match(rest)
    name = _NUMBER.sub("", rest) or rest
    text = words_of(part.body)
    labels = {**_lines(text), **part.said}
    moment = as_moment((posted.ts or "").partition(".")[0])
    by = posted.username or posted.bot_id or ""
    return normal(
        source=NAME,
        name=name,
        status=status,
        summary=text or None,
        labels={**labels, **stated(posted_by=by, slack_channel=channel)},
        starts_at=None if status is AlertStatus.RESOLVED else moment,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        urls=(
            part.title_link,
            *re.findall(r"<(https?://[^|>]+)", f"{part.title or ''} {posted.text or ''} {part.body}"),
        ),
        fingerprint=fingerprint(number["number"] if number else name, stated(by=by, channel=channel)),
    )


def _headlines(posted: Posted, part: Attachment) -> Iterator[str]:
    """Lines that may say it, those that do first."""
    inside = [line for block in (part.blocks or [])[:MOST_BLOCKS] for line in block.lines]
    given = (part.title, part.pretext, posted.text, part.text, part.fallback, *inside)
    lines = [line for text in given if text and (line := _first_line(text))]
    yield from sorted(lines, key=lambda line: _headline(line) is None)


def _headline(line: str) -> re.Match[str] | None:
    return _HEADLINE.match(line) or _ALARM.match(line) or _OPSGENIE.match(line)


def _first_line(text: str) -> str:
    """As a person reads it: a link is its words, an emoji and bold type say nothing."""
    return words_of(_EMOJI.sub("", _LINK.sub(r"\1", text))).strip().partition("\n")[0].strip(" *")


def _status(posted: Posted, part: Attachment, headline: re.Match[str] | None) -> AlertStatus | None:
    if headline and headline.re is _ALARM:
        whole = "\n".join(text for text in (posted.text, part.title, part.pretext, part.body, part.fallback) if text)
        well = _WELL.search(whole) or COLOURS.get((part.color or "").casefold()) is AlertStatus.RESOLVED
        return AlertStatus.RESOLVED if well else AlertStatus.FIRING
    if headline and headline.re is _OPSGENIE:
        return status_of(headline["said"])
    if headline:
        return status_of((headline["bracket"] or headline["word"]).replace("Re-", ""))
    said = next((part.said[name] for name in STATUS_FIELDS if name in part.said), None)
    known = {word for words in WORDS.values() for word in words.split()}
    if said and plain(said) in known:
        return status_of(said)
    return COLOURS.get((part.color or "").casefold())


def _lines(text: str) -> dict[str, str]:
    """Lines such as "severity: critical", of the names that matter."""
    found = (_LINE.match(line) for line in text.splitlines()[:50])
    return {match["key"].casefold(): match["text"] for match in found if match}
