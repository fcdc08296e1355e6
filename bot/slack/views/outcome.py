"""What happened after the approval, step by step."""

from __future__ import annotations

from bot.models import Executed, Executing, NotExecuted, OutcomeUnknown, Verified
from bot.slack.blocks import Post, context, post, section
from bot.slack.text import cut, date, line
from bot.slack.views import words
from bot.slack.views.standing import Outcome

Told = Executed | NotExecuted | OutcomeUnknown | Verified
"""What of it the thread is told."""


def outcome(event: Told, target: str, *, back: bool = False) -> Post:
    """The step as a message of the thread. `target` is what is acted on, in outside words.

    Args:
        back: whether it took something back.
    """
    about = line(target, 200)
    match event:
        case Executed():
            text = f":white_check_mark: Done on {about}: {cut(event.outcome, 1500)}"
        case NotExecuted():
            return _not_executed(event, about)
        case OutcomeUnknown():
            return _unknown(event, about)
        case Verified():
            return _verified(event, back=back)
    return post(_without_emoji(text), [section(text)])


def ended(event: Outcome, *, back: bool = False) -> str:
    """How it ended, in one line."""
    match event:
        case Executing():
            return ":gear: Executing"
        case Executed():
            return f":white_check_mark: Done: {line(event.outcome, 400)}"
        case NotExecuted():
            return f":no_entry: Not done; nothing was changed: {line(event.reason, 400)}"
        case OutcomeUnknown():
            return f":grey_question: Outcome unknown: {line(event.reason, 400)}"
        case Verified():
            return _verdict(event, back=back)


def _not_executed(event: NotExecuted, about: str) -> Post:
    said = f"Not done on {about}; nothing was changed: {cut(event.reason, 1500)}"
    next_ = "If it is still wanted, mention me in the channel with what is wrong: it is looked at and proposed anew."
    return post(said, [section(f":no_entry: {said}"), context(next_)])


def _unknown(event: OutcomeUnknown, about: str) -> Post:
    said = f"Outcome unknown for {about}: {cut(event.reason, 1500)}"
    asked = (
        "The action was started and nobody can tell whether it took effect. It is not tried again. "
        f"Look at the target yourself; a late effect is possible until {date(event.quarantined_until)}."
    )
    return post(f"{said} A person must look.", [section(f":grey_question: *{said}*"), section(asked)])


def _verified(event: Verified, *, back: bool) -> Post:
    """The verdict and what it rests on; the statement names the figures where there is one."""
    figures = [("Before", words.figure(event.before, event.unit)), ("After", words.figure(event.after, event.unit))]
    known = event.before is not None or event.after is not None
    verdict = _verdict(event, back=back)
    if event.statement.strip():
        text = f"{_without_emoji(verdict)}. {line(event.statement, 300)}"
        return post(text, [section(f"*{verdict}.* {words.sentence(cut(event.statement, 1500))}")])
    moved = f": {figures[0][1]} before, {figures[1][1]} after" if known else ""
    return post(f"{_without_emoji(verdict)}{moved}.", [section(f"*{verdict}*{moved}.")])


def _verdict(event: Verified, *, back: bool) -> str:
    if back:
        return ":seedling: Taking it back helped" if event.recovered else ":x: It is taken back, and that did not help"
    return ":seedling: It helped" if event.recovered else ":x: It did not help"


def _without_emoji(text: str) -> str:
    return text.partition(": ")[2]
