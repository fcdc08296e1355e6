"""The card: one message per incident, changed in place, that says how things stand."""

from __future__ import annotations

from bot.models import HandedOver, Incident, OutcomeUnknown, Phase, Recorded, Resolved, Verified
from bot.plural import many
from bot.slack.blocks import Block, Post, beside, context, fields, header, post, section
from bot.slack.text import bold, date, line, link, safe_url
from bot.slack.views import words
from bot.slack.views.regroup import menu
from bot.slack.views.standing import Standing, standing


def card(incident: Incident) -> Post:
    """The card as the incident stands now."""
    return post(
        summary(incident),
        [
            header(f"{words.short_severity(incident.severity)} · {incident.service or incident.alert.name}"),
            beside(f"{bold(words.headline_of(incident.alert), words.HEADLINE)}\n{_now(incident)}", menu(incident)),
            fields(_facts(incident)),
            _cause(incident),
            _links(incident),
        ],
    )


def summary(incident: Incident) -> str:
    """One line for the notification: "SEV2 checkout: 5xx at 12 %. Approval needed.", escaped."""
    grade = words.short_severity(incident.severity)
    return f"{grade} {words.service(incident)}: {words.headline(incident)}. {words.phase_word(incident.phase)}."


def _facts(incident: Incident) -> list[tuple[str, str]]:
    facts = [
        ("Status", words.phase(incident.phase)),
        ("Since", date(incident.alert.starts_at or incident.opened_at)),
        ("Alerts", _alerts(incident)),
    ]
    ended = incident.last("resolved")
    if incident.phase is Phase.RESOLVED and ended:
        facts.append(("Lasted", words.since(ended.event.at - incident.opened_at)))
    if incident.model_cost:
        facts.append(("Model", words.cost(incident.model_cost)))
    return facts


def _alerts(incident: Incident) -> str:
    """How many there are, how many fire, and how often they were told where that is more."""
    received = 1 + incident.joined + incident.duplicates
    firing = sum(alert.status == "firing" for alert in incident.alerts)
    told = f", told {received} times" if received > len(incident.alerts) else ""
    # Over is over for the bot too where it saw the recovery before the rule did: "firing" would only puzzle.
    return f"{len(incident.alerts)}{'' if incident.phase is Phase.RESOLVED else f' ({firing} firing)'}{told}"


def _cause(incident: Incident) -> Block | None:
    if not incident.hypotheses:
        return None
    return section(f"*Likely cause*\n{words.cause(incident.hypotheses[0])}")


def _now(incident: Incident) -> str:
    """What is going on, in one sentence."""
    proposal = incident.proposal
    where = standing(proposal, incident) if proposal else None
    target = line(proposal.target, 200) if proposal else ""
    match incident.phase:
        case Phase.INVESTIGATING:
            return _investigating(incident)
        case Phase.AWAITING if proposal and where:
            missing = proposal.approvals_needed - len(where.endorsed)
            until = date(proposal.expires_at)
            todo = f"take back what was done to {target}" if proposal.undoes else f"act on {target}"
            return f"Waiting for {many(missing, 'approval')} to {todo}, until {until}. See the thread."
        case Phase.APPROVED | Phase.EXECUTING if proposal:
            doing = f"taking back what was done to {target}" if proposal.undoes else f"acting on {target}"
            return f"Approved; {doing}."
        case Phase.VERIFYING if proposal and proposal.undoes:
            return "The action was taken back. Watching whether that helps."
        case Phase.VERIFYING:
            return "The action has run. Watching whether it helps."
    return _settled(incident, where)


def _investigating(incident: Incident) -> str:
    if incident.open_questions:
        return f"Waiting for an answer in the thread: {line(incident.open_questions[0].text, 300)}"
    if incident.hypotheses:
        return "Causes are ranked in the thread; looking for something that can be done."
    looked = [recorded.event.agent for recorded in incident.history if recorded.event.kind == "finding"]
    if not looked:
        return "Looking at what the channel knows, then at metrics, logs, databases and changes."
    return f"Looked so far: {', '.join(line(agent, 40) for agent in dict.fromkeys(looked))}."


def _settled(incident: Incident, where: Standing | None) -> str:
    if where and isinstance(where.outcome, OutcomeUnknown):
        return f"Nobody can tell whether the action took effect: {line(where.outcome.reason, 400)}"
    for kind in ("resolved", "handed_over", "verified"):
        recorded = incident.last(kind)
        if recorded and recorded.phase is incident.phase:
            return _last_word(recorded)
    return f"{words.phase_word(incident.phase)}."


def _last_word(recorded: Recorded) -> str:
    event = recorded.event
    if isinstance(event, Resolved | HandedOver):
        return words.sentence(line(event.reason, 600))
    return line(event.statement, 600) if isinstance(event, Verified) else ""


def _links(incident: Incident) -> Block:
    alert = incident.alert
    sources = (("Alert", alert.url), ("Runbook", alert.runbook_url))
    shown = [link(url, name) for name, url in sources if safe_url(url)]
    named = [words.severity(incident.severity), f"incident {line(incident.id, 80)}"]
    return context(" · ".join([*named, *shown, "Everything else is in the thread."]))
