"""The one action that is offered, and after the decision what became of it. The buttons go when it is decided."""

from __future__ import annotations

from bot.models import Approved, Expired, Incident, Proposal, Rejected
from bot.slack.blocks import Block, Post, actions, bullets, button, confirm, context, fields, post, section
from bot.slack.text import code, cut, date, label, line, own, person, utc
from bot.slack.views import words
from bot.slack.views.causes import evidence_of
from bot.slack.views.findings import fact
from bot.slack.views.outcome import ended
from bot.slack.views.standing import Standing, standing

APPROVE = "nightdesk_approve"
REJECT = "nightdesk_reject"
DIGEST_PREFIX = 16
CONFIRMED = 300
"""Characters that Slack lets a confirmation have."""
PARAMETERS = 6
"""Parameters that are shown."""


def proposal(offered: Proposal, incident: Incident) -> Post:
    """The proposal as it stands: with buttons while it is open, with who, when and outcome afterwards."""
    where = standing(offered, incident)
    return post(
        _summary(offered, incident, where),
        [
            section(
                f"{':leftwards_arrow_with_hook: *Take it back:*' if offered.undoes else ':wrench: *Proposed action:*'} "
                f"{line(offered.effect, 500)}"
            ),
            section(f"*Why*\n{cut(offered.why, 700)}"),
            fields(_facts(offered)),
            _evidence(offered, incident),
            section(f"*Blast radius*\n{cut(offered.blast_radius, 600)}"),
            section(f"*Rollback*\n{_rollback(offered)}"),
            context(_exactly(offered)),
            context("\n".join(_small_print(offered))),
            _endorsed(offered, where),
            section(_standing(offered, where)),
            _buttons(offered) if where.open else None,
        ],
    )


def button_value(offered: Proposal) -> str:
    """What the buttons carry: which proposal, and which version of it was shown; a button is trusted with no more."""
    return f"{offered.id}:{offered.digest[:DIGEST_PREFIX]}"


def decided(where: Standing) -> str:
    """Who decided what and when, in words."""
    match where.decision:
        case Approved() as event:
            whose = f"the standing approval {line(event.standing, 40)} of " if event.standing else ""
            return f":white_check_mark: Approved by {whose}{person(event.actor)}, {date(event.at)}"
        case Rejected() as event:
            return f":no_entry: Rejected by {person(event.actor)}, {date(event.at)}: {line(event.reason, 500)}"
        case Expired() as event:
            return f":hourglass: Expired {date(event.at)}: nobody decided in time"
    return ":black_square_for_stop: No longer open: things have moved on without it"


def _summary(offered: Proposal, incident: Incident, where: Standing) -> str:
    grade = f"{words.short_severity(incident.severity)} {words.service(incident)}"
    target = line(offered.target, 200)
    if where.open:
        effect = line(offered.effect, 300)
        needed = "needed to take back what was done to" if offered.undoes else "needed for"
        return f"{grade}: approval {needed} {target}. {effect} Risk {offered.risk.value}."
    return f"{grade}: proposal for {target}. {decided(where).partition(': ')[2]}."


def _facts(offered: Proposal) -> list[tuple[str, str]]:
    several = [("Approvals needed", str(offered.approvals_needed))] if offered.approvals_needed > 1 else []
    return [
        ("Target", line(offered.target, 400)),
        ("Confidence in the cause", words.confidence(offered.confidence)),
        ("Risk", words.risk(offered)),
        *several,
    ]


def _exactly(offered: Proposal) -> str:
    """The action with its parameters, as it will run."""
    shown = [f"{line(str(name), 60)} = {line(str(value), 160)}" for name, value in offered.parameters.items()]
    more = [f"… and {len(shown) - PARAMETERS} more"] if len(shown) > PARAMETERS else []
    action = code(offered.action, 120)
    return f"{action} with {', '.join([*shown[:PARAMETERS], *more])}" if shown else action


def _evidence(offered: Proposal, incident: Incident) -> Block | None:
    # what was sealed with it, before what was found later under the same id
    known = {**evidence_of(incident), **{one.id: one for one in offered.facts}}
    shown = [fact(known[name]) if name in known else line(name, 120) for name in offered.evidence]
    return section(f"*Evidence*\n{bullets(shown, most=4)}") if shown else None


def _rollback(offered: Proposal) -> str:
    said = cut(offered.rollback, 600)
    if offered.reversible:
        return said
    return f":warning: {said}" if said.startswith("Cannot be undone.") else f":warning: Cannot be undone. {said}"


def _small_print(offered: Proposal) -> list[str]:
    drawn = f" · playbook {line(offered.playbook, 80)}" if offered.playbook else ""
    checked = [_watched(offered)] if offered.verification else []
    asked = [f"Asked for by {person(offered.requested_by)}"] if offered.requested_by else []
    checked += [f"Dry run: {line(offered.rehearsal, 200)}"] if offered.rehearsal else []
    return [*checked, *asked, f"Proposal {line(offered.id, 80)} · version {code(offered.digest[:12], 12)}{drawn}"]


def _watched(offered: Proposal) -> str:
    watched = offered.verification
    if watched is None:
        return ""
    goal = f"{line(watched.comparison, 60)} {words.figure(watched.threshold, watched.unit)}"
    asked = line(watched.what, 120) if watched.what else code(watched.query, 200)
    return f"It has helped when: {asked} {goal} within {words.duration(watched.window_s)}"


def _endorsed(offered: Proposal, where: Standing) -> Block | None:
    if not where.endorsed:
        return None
    people = ", ".join(dict.fromkeys(person(event.actor) for event in where.endorsed[:10]))
    return context(f":ballot_box_with_check: {len(where.endorsed)} of {offered.approvals_needed} approved: {people}")


def _standing(offered: Proposal, where: Standing) -> str:
    if where.open:
        return f":raised_hand: *Nothing is done before approval.* Expires {date(offered.expires_at)}."
    outcome = f"\n{ended(where.outcome, back=bool(offered.undoes))}" if where.outcome else ""
    return f"{decided(where)}{outcome}"


def _buttons(offered: Proposal) -> Block:
    value = button_value(offered)
    return actions(
        f"decide_{offered.id}"[:255],
        button(
            "Approve",
            APPROVE,
            value,
            style="primary",
            reads=f"Approve: {offered.target}",
            confirm=_dialog(offered),
        ),
        button("Reject", REJECT, value, style="danger", reads=f"Reject: {offered.target}"),
    )


def _dialog(offered: Proposal) -> Block:
    rows = [
        f"Action: {label(offered.action, 50)}",
        f"Target: {label(offered.target, 90)}",
        "Blast radius: ",
        f"Expires: {utc(offered.expires_at)}",
    ]
    rows[2] += label(offered.blast_radius, CONFIRMED - len("\n".join(rows)))
    title = "Take it back?" if offered.undoes else "Approve this action?"
    return confirm(title, own("\n".join(rows), CONFIRMED), yes="Approve", no="Go back")
