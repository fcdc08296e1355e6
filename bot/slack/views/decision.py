"""That somebody decided: for the thread, where it stays."""

from __future__ import annotations

from bot.models import Approved, Endorsed, Proposal, Rejected
from bot.slack.blocks import Post, context, post, section
from bot.slack.text import cut, line, person


def decision(event: Endorsed | Approved | Rejected, proposal: Proposal | None) -> Post:
    """Who decided what, and on what."""
    who = person(event.actor)
    target = line(proposal.target, 300) if proposal else "the proposal"
    match event:
        case Endorsed():
            needed = proposal.approvals_needed if proposal else 2
            text = f"{who} approved {target}; {needed} people are needed in all.{_why(event)}"
            return post(text, [context(f":ballot_box_with_check: {text}")])
        case Approved():
            what = "approved taking it back" if proposal and proposal.undoes else "approved"
            text = f"{_by(event)} {what}: {target}.{_why(event)}"
            return post(text, [section(f":white_check_mark: {text}")])
        case Rejected():
            text = f"{who} rejected {target}: {cut(event.reason, 1500)}"
            return post(text, [section(f":no_entry: {text}\n{stays(proposal)}")])


def stays(proposal: Proposal | None) -> str:
    """What a proposal that does not run leaves as it is."""
    if proposal and proposal.undoes:
        return "Nothing was changed: what did not help stays in place."
    return "Nothing was changed."


def _by(event: Approved) -> str:
    if event.standing:
        return f"The standing approval {line(event.standing, 40)} of {person(event.actor)} has"
    return person(event.actor)


def _why(event: Approved | Endorsed) -> str:
    return f" Reason: {cut(event.reason, 1500)}" if event.reason else ""
