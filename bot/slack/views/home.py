"""The home tab: open incidents, what waits for approval, what runs without asking, and what could."""

from __future__ import annotations

from collections.abc import Mapping

from bot.models import EarnedTrust, Incident, Proposal, StandingApproval
from bot.plural import many
from bot.slack.blocks import Block, beside, button, context, fit, header, section
from bot.slack.desk import HomeContent
from bot.slack.text import bold, date, line, link, person
from bot.slack.views import words

MOST = 20
REVOKE = "nightdesk_revoke"
GRANT = "nightdesk_grant"


def home(content: HomeContent) -> Block:
    """The view to publish."""
    blocks = [
        header("Waiting for approval"),
        *_pending(content),
        header("Allowed in advance"),
        *_standing(content),
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


def _standing(content: HomeContent) -> list[Block]:
    granted = [_granted(one) for one in content.standing[:MOST]]
    earned = [_earned(one) for one in content.earned[:MOST]]
    return [*granted, *_rest(len(content.standing)), *earned] or [section("Nothing: every action is asked for.")]


def _granted(one: StandingApproval) -> Block:
    text = (
        f":key: {words.trusted(one)} runs without asking, until {date(one.until)}\n"
        f"Risk {one.most_tier.value} at most, {many(one.most_services, 'service')} at most · allowed by "
        f"{person(one.granted_by)} after {one.successes} successes"
    )
    # No dialog that asks again: revoking only means that people are asked.
    return beside(text, button("Revoke", REVOKE, one.id, reads=f"Ask again: {one.action} on {one.service}"))


def _earned(one: EarnedTrust) -> Block:
    text = f":seedling: {words.trusted(one)} has helped {one.successes} times in a row."
    reads = f"Allow {one.action} on {one.service} in advance"
    return beside(text, button("Allow in advance …", GRANT, one.id, reads=reads))


def _rest(count: int) -> list[Block]:
    return [context(f"{count - MOST} more are not shown.")] if count > MOST else []


def _proposal(proposal: Proposal, links: Mapping[str, str]) -> str:
    where = link(links.get(proposal.incident_id), "Decide in the thread")
    several = f" · Takes {proposal.approvals_needed} people" if proposal.approvals_needed > 1 else ""
    sign = ":leftwards_arrow_with_hook: Take it back:" if proposal.undoes else ":raised_hand:"
    return (
        f"{sign} {bold(proposal.effect, 300)}\nTarget: {line(proposal.target, 200)} · "
        f"Risk: {words.RISKS[proposal.risk]}{several} · Expires {date(proposal.expires_at)}\n{where}"
    )


def _incident(incident: Incident, links: Mapping[str, str]) -> str:
    where = link(links.get(incident.id), "Open the card")
    title = f"{words.short_severity(incident.severity)} {incident.service or incident.alert.name}"
    return (
        f"{bold(f'{title}: {words.headline_of(incident.alert)}', 400)}\n"
        f"{words.phase(incident.phase)} · since {date(incident.opened_at)}{_cost(incident)} · {where}"
    )


def _cost(incident: Incident) -> str:
    return f" · model: {words.cost(incident.model_cost)}" if incident.model_cost else ""
