"""Short answers: help, what is open, and that nothing is known."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models import Incident
from bot.slack.blocks import Post, context, post, section
from bot.slack.text import cut, line
from bot.slack.views import words

HELP = (
    "*What I do.* When an alert fires I open a thread with what this channel knows, evidence from metrics, logs, "
    "databases and changes, ranked causes, and at most one action for you to approve. "
    "Nothing is changed before a person has approved exactly that change.\n"
    "*Ask me.* Mention me: “why is checkout slow?” starts a triage of that service, “brief me since yesterday” tells "
    "what matters of this channel, “status” lists open incidents, “resolved” ends one.\n"
    "*Show me.* Choose “Triage this” in the menu of any message.\n"
    "*Teach me.* “remember: …”, “that was wrong because …”, or :pushpin: on a message worth remembering.\n"
    "*Quiet.* `/nightdesk silence 2h service=checkout` keeps alerts quiet, `silences` lists, `unsilence ID` ends; "
    "the menu of a card splits and merges incidents.\n"
    "*Commands.* `/nightdesk status`, `/nightdesk brief me`, `/nightdesk report 30 days` (what I was worth), "
    "`/nightdesk help`: answers for you alone.\n"
    "*My memory.* `/nightdesk forget message LINK`, `forget me`, `forget @person` or `forget channel` takes it out "
    "for good; `/nightdesk retain` shows for how long this channel is kept, `/nightdesk retain 90 days` changes it; "
    "`/nightdesk timezone Europe/Berlin` says by which clock, `/nightdesk model` whether a model is asked. "
    "Your own messages are yours; the rest is for approvers. What is edited or deleted is edited or gone here at once."
)


def help_text() -> str:
    """What the bot does and how to ask it."""
    return HELP


def status(incidents: tuple[Incident, ...]) -> str:
    """Open incidents, one a line."""
    if not incidents:
        return "All quiet: there is no open incident."
    rows = [f"• {_incident(incident)}" for incident in incidents[:15]]
    more = [f"… and {len(incidents) - 15} more"] if len(incidents) > 15 else []
    return "\n".join([*rows, *more])


def hello() -> str:
    """To a greeting."""
    return "I am here. Name a service and I look into it; “help” tells what else I do."


def welcome() -> str:
    """To thanks."""
    return "You are welcome."


def nothing_on_a_word(service: str | None = None) -> str:
    """To an order to change something; `service` is the one that is looked into instead."""
    then = "" if service else " Mention me with the name of a service, and I look into it."
    return (
        "Nothing is done on a word, so nothing was done. I look first; an action that fits is proposed in the thread "
        f"of the incident, and runs once somebody who may approve it has pressed Approve there.{then}"
    )


def report(figures: str) -> str:
    """The figures of `nightdesk report`, in columns."""
    return f"What I was worth, counted from the record:\n```\n{figures}\n```"


def nothing_to_tell(wish: str) -> str:
    """There is nothing to brief anybody with."""
    about = f" about “{line(wish, 200)}”" if wish else ""
    return (
        f"Nothing here remembers anything{about} yet. I know what is said from when I join a channel, and what I have "
        "read back of it; “remember: …” or a :pushpin: on a message teaches me."
    )


def look_now(service: str) -> str:
    """Below an answer about the past of a service."""
    return f"To have it looked at as it is now, say “look at {line(service, 60)}”."


def nothing_known(services: Sequence[str]) -> str:
    """A question that neither memory nor a look at a service can answer."""
    known = line(", ".join(services), 600) or "none yet, write services.yaml"
    return (
        "Nothing here remembers that yet. If you know it, tell me: “remember: …”. Or name a service and I look "
        f"into it; I know: {known}."
    )


def given_up() -> str:
    """To who asked and gets no answer; why is in the log, not for a channel."""
    return "I have tried this several times and could not answer. Please ask again; if it stays so, my log says why."


def answer(text: str, *, sources: tuple[str, ...] = ()) -> Post:
    """An answer in the thread. `text` and `sources` come from outside or from a model, and are escaped here."""
    return post(cut(text, 2800), [section(cut(text, 2800)), context(*sources[:10]) if sources else None])


def said(text: str) -> Post:
    """Our own words, such as `status` and `help_text`: already escaped."""
    return post(text, [section(text)])


def _incident(incident: Incident) -> str:
    grade = f"{words.short_severity(incident.severity)} {words.service(incident)}"
    return f"{grade}: {words.headline(incident)} — {words.phase(incident.phase)}"
