"""A question of a drawing, with a button for each answer; answered, it says by whom."""

from __future__ import annotations

from bot.models import Answered, Asked, Event, Incident, Question, Unanswered
from bot.slack.blocks import Block, Post, actions, button, context, post, section
from bot.slack.text import bold, date, line, person
from bot.slack.views import words

ANSWER = "nightdesk_answer_"
"""Action id of an answer's button, before its number."""


def question(asked: Question, incident: Incident) -> Post:
    """The question as it stands: with its buttons while it is open, with who and what afterwards."""
    is_open = asked in incident.open_questions
    grade = f"{words.short_severity(incident.severity)} {words.service(incident)}"
    text = line(asked.text, 600)
    how = "Anybody in this thread may answer; the first answer counts." if is_open else _end(asked, incident)
    small = [f"Playbook {line(asked.playbook, 80)}"]
    small += [f"after {date(asked.expires_at)} it goes on without an answer"] if is_open else []
    return post(
        f"{grade}: a question. {text}" if is_open else f"{text} {how}",
        [
            section(f":speech_balloon: {bold(asked.text, 600)}\n{how}"),
            context(" · ".join(small)),
            _buttons(asked) if is_open else None,
        ],
    )


def ended(event: Answered | Unanswered, incident: Incident) -> Post:
    """That it was answered, or that nobody did: for the thread, where it stays."""
    asked = find_question(event.question_id, incident)
    about = f"“{line(asked.text, 300)}”" if asked else "the question"
    if isinstance(event, Answered):
        text = f"{person(event.actor)} answered {about}: {line(event.answer, 80)}."
        return post(text, [context(f":speech_balloon: {text}")])
    text = f"Nobody answered {about} in time."
    return post(text, [context(f":hourglass: {text}")])


def find_question(question_id: str, incident: Incident) -> Question | None:
    """The question of that id, if the incident has had one."""
    questions = (r.event.question for r in incident.history if isinstance(r.event, Asked))
    return next((asked for asked in questions if asked.id == question_id), None)


def _end(asked: Question, incident: Incident) -> str:
    for recorded in incident.history:
        event: Event = recorded.event
        if isinstance(event, Answered) and event.question_id == asked.id:
            return f":white_check_mark: {person(event.actor)} answered *{line(event.answer, 80)}*, {date(event.at)}."
        if isinstance(event, Unanswered) and event.question_id == asked.id:
            return f":hourglass: Nobody answered until {date(event.at)}."
    return ":black_square_for_stop: No longer open: things have moved on without it."


def _buttons(asked: Question) -> Block:
    return actions(
        f"answer_{asked.id}"[:255],
        *(
            button(answer, f"{ANSWER}{number}", f"{asked.id}:{number}", reads=f"Answer {answer}: {asked.text}")
            for number, answer in enumerate(asked.answers)
        ),
    )
