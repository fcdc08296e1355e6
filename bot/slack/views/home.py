"""The home tab: open incidents and what waits for approval."""

from __future__ import annotations

from collections.abc import Mapping

from bot.models import Incident, Proposal
from bot.slack.blocks import Block, context, fit, header, section
from bot.slack.desk import HomeContent
from bot.slack.text import date, line, link
from bot.slack.views import words

MOST = 20


def home(content: HomeContent) -> Block:
    """The view to publish."""
    blocks = [
        header("Waiting for approval"),
        *_pending(content),
        header("Open incidents"),
        *_open(content),
        context("Mention me in a channel to ask, or use “Triage this” on any message. `/nightdesk help` says more."),
    ]
    return {"type": "home", "blocks": list(fit(blocks, most=90))}


def _pending(content: HomeContent) -> list[Block]:
    shown = [section(_proposal(proposal, content.links)) for proposal in content.pending[:MOST]]
    return [*shown, *_rest(len(content.pending))] or [section("Nothing is waiting.")]


def _open(content: HomeContent) -> list[Block]:
    shown = [section(_incident(incident, content.links)) for incident in content.incidents[:MOST]]
    return [*shown, *_rest(len(content.incidents))] or [section("All quiet.")]


def _rest(count: int) -> list[Block]:
    return [context(f"{count - MOST} more are not shown.")] if count > MOST else []


def _proposal(proposal: Proposal, links: Mapping[str, str]) -> str:
    where = link(links.get(proposal.incident_id), "Decide in the thread")
    return (
        f":raised_hand: *{line(proposal.effect, 300)}*\nTarget: {line(proposal.target, 200)} · "
        f"Risk: {words.RISKS[proposal.risk]} · Expires {date(proposal.expires_at)}\n{where}"
    )


def _incident(incident: Incident, links: Mapping[str, str]) -> str:
    where = link(links.get(incident.id), "Open the card")
    return (
        f"*{words.short_severity(incident.severity)} {words.service(incident)}: {words.headline(incident)}*\n"
        f"{words.phase(incident.phase)} · since {date(incident.opened_at)} · {where}"
    )
