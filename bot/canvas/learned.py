"""What an incident taught that its drawing did not know: a draft of a playbook, or a patch to the one that ran.

A draft is text for people to review; nothing here puts it into use. What people and alerts wrote stands in it as quoted
prose and as quoted YAML, never as a reference, a shape or a heading.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.canvas.formatting import format_text
from bot.canvas.markdown import harmless
from bot.canvas.matching import FALLBACK
from bot.canvas.playbook import Playbook
from bot.canvas.templates import references

MOST_STEPS = 4
MOST_CONDITIONS = 2
GIVEN = frozenset({"alert", "service"})


@dataclass(frozen=True)
class Led:
    """A look that led to the cause."""

    tool: str
    with_: Mapping[str, Any]
    """The parameters as a drawing writes them."""
    facts: Mapping[str, Any]
    explored: bool
    """Whether it was chosen in an exploration, and is not drawn as a step."""


@dataclass(frozen=True)
class Story:
    """What happened, as far as it concerns a drawing."""

    incident_id: str
    began: datetime
    alertname: str
    service: str | None
    cause: str
    led: tuple[Led, ...]
    commands: tuple[tuple[str, str], ...]
    """Who reported it in the thread, and what was run by hand."""
    playbook: Playbook
    end: str | None
    """The end of the drawing that was reached."""
    lesson: tuple[str, ...] = ()
    """What a model would check first, held against the evidence."""

    @property
    def left_the_drawing(self) -> bool:
        """Whether it was mended, or its cause was found, in a way that is not drawn."""
        return bool(self.commands) or any(look.explored for look in self.led)


@dataclass(frozen=True)
class Draft:
    """A file for people to review."""

    name: str
    text: str
    what: str
    """One sentence."""


def draft(story: Story) -> Draft | None:
    """A patch to the playbook that ran, or where the general triage did, a playbook of its own; None for no lesson."""
    if not story.left_the_drawing:
        return None
    if story.playbook.id == FALLBACK:
        return _new(story)
    return _patch(story)


def _new(story: Story) -> Draft:
    name = f"learned-{_slug(story.alertname)}"
    steps = _named(story.led[:MOST_STEPS])
    parts = [_front(story, name), _intro(story), _chart(story, list(steps)), *_sections(story, steps)]
    text = format_text("\n\n".join(parts) + "\n", f"{name}.md")
    return Draft(f"{name}.md", text, "A draft of a playbook for this alert: no playbook was drawn for it.")


def _patch(story: Story) -> Draft | None:
    playbook, end = story.playbook, story.end
    if end is None:
        return None
    before = playbook.text.splitlines(keepends=True)
    lesson = [line + "\n" for line in _lesson(story)]
    if end in playbook.sections:
        at = playbook.sections[end].place.line
        after = [*before[:at], "\n", *lesson, *before[at:]]
    else:
        after = [*before, "\n", f"### {end}\n", "\n", *lesson]
    file = f"playbooks/{playbook.id}.md"
    diff = "".join(difflib.unified_diff(before, after, f"a/{file}", f"b/{file}"))
    what = f"A patch to '{playbook.id}': what helped this time stands at the end that the drawing reached."
    return Draft(f"{playbook.id}.patch", diff, what)


def _front(story: Story, name: str) -> str:
    match: dict[str, Any] = {"alertname": re.escape(story.alertname)}
    if story.service:
        match["service"] = re.escape(story.service)
    title = f"{story.alertname}, as on {story.began:%Y-%m-%d}"
    return (
        f"---\nid: {name}\ntitle: {json.dumps(title)}\nowner: fill-in-the-owner\nmatch: {json.dumps(match)}\n---"
    )  # fmt: skip


def _intro(story: Story) -> str:
    return "\n".join(
        ["**A draft for review, not in use.** Read every line, then put it into the folder of playbooks.", "",
         *_lesson(story)]
    )  # fmt: skip


def _lesson(story: Story) -> list[str]:
    """What happened, as prose: quoted lines, so that nothing in them is read as Markdown of ours."""
    lines = [f"On {story.began:%Y-%m-%d} (incident {story.incident_id}) the cause was:", "", *_quoted(story.cause)]
    if story.commands:
        lines += ["", "It was mended by hand; reported in the thread:", ""]
        lines += [line for who, what in story.commands for line in _quoted(f"{what}   ({who})")]
    explored = [look.tool for look in story.led if look.explored]
    if explored:
        lines += ["", f"The exploration found it with {', '.join(dict.fromkeys(explored))}: look there first."]
    if story.lesson:
        lines += ["", "In a model's words, to be checked:", "", *_quoted("\n".join(story.lesson))]
    return lines


def _quoted(text: str) -> list[str]:
    return [f"    {harmless(line)}".rstrip() for line in text.splitlines() if line.strip()]


def _chart(story: Story, steps: list[str]) -> str:
    known = "by_hand[Do what helped last time]" if story.commands else "known([Hand over with the known cause])"
    lines = ["begin([The alert is back])" + (f" --> {steps[0]}[Look where it was seen]" if len(steps) == 1 else "")]
    if len(steps) > 1:
        drawn = " & ".join(f"{step}[Look with {_label(step)}]" for step in steps)
        lines = [f"begin([The alert is back]) --> look{{{{Look where it was seen}}}} --> {drawn}"]
        lines.append(f"{' & '.join(steps)} --> seen{{{{All have answered}}}} --> same{{Is it the same again?}}")
    elif steps:
        lines.append(f"{steps[0]} --> same{{Is it the same again?}}")
    else:
        lines = ["begin([The alert is back]) --> same[Is it the same again?]"]
    yes = "as last time" if steps else "yes"
    lines.append(f"same -- {yes} --> {known}")
    lines.append("same -- otherwise --> wide[[general-triage]]" if steps else "same -- no --> wide[[general-triage]]")
    lines += [] if steps else ["same -- expired --> wide"]
    if story.commands:
        lines += ["by_hand -- it helped --> helped([Mended by hand again])", "by_hand -- it did not --> wide",
                  "by_hand -- expired --> wide"]  # fmt: skip
    lines += ["wide -- recovered --> healed([The general triage has brought it back])",
              "wide --> triaged([The general triage has handed over])"]  # fmt: skip
    return "```mermaid\nflowchart TD\n" + "\n".join(f"  {line}" for line in lines) + "\n```"


def _sections(story: Story, steps: Mapping[str, Led]) -> list[str]:
    sections = [_section(name, "It was seen here last time.", _looking(look)) for name, look in steps.items()]
    ask = {"ask": "Is this the trouble of last time? The playbook says what it looked like.", "answers": ["yes", "no"]}
    sections.append(
        _section("same", "As it was last time; loosen the figures where they are too exact.", _condition(steps))
        if steps else _section("same", "Nothing that was measured led to the cause, so people are asked.", ask)
    )  # fmt: skip
    if story.commands:
        prose = "\n".join(["What was done by hand last time; nothing of it is run by the bot:", "",
                           *[line for _, what in story.commands for line in _quoted(what)]])  # fmt: skip
        asked = {"ask": "Last time it was mended by hand, see the playbook. Has that helped now?",
                 "answers": ["it helped", "it did not"], "expires": "30m"}  # fmt: skip
        sections.append(_section("by_hand", prose, asked))
        sections.append(_section("helped", "", {"outcome": "handed_over", "say": "Mended by hand, as last time."}))
    else:
        said = {"outcome": "handed_over", "say": "It is as last time; the playbook says what the cause was."}
        sections.append(_section("known", "", said))
    sections.append(_section("wide", "Everything is looked at, without this suspicion.", {}))
    sections.append(_section("healed", "", {"outcome": "resolved"}))
    return [*sections, _section("triaged", "", {"outcome": "handed_over"})]


def _section(node: str, prose: str, block: Mapping[str, Any]) -> str:
    written = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in block.items())
    fenced = f"```yaml\n{written}\n```" if block else ""
    return "\n\n".join(part for part in (f"### {node}", prose, fenced) if part)


def _looking(look: Led) -> Mapping[str, Any]:
    own = {name: value for name, value in look.with_.items() if all(path[0] in GIVEN for path in references(value))}
    return {"use": look.tool, **({"with": own} if own else {}), "deadline": "20s", "on_error": {"default": {}}}


def _condition(steps: Mapping[str, Led]) -> Mapping[str, Any]:
    """What was measured, as it was: the figures that are not nought."""
    measured = [
        f"{name}.{fact} >= {value:g}" if not isinstance(value, bool) else f"{name}.{fact}"
        for name, look in steps.items()
        for fact, value in look.facts.items()
        if isinstance(value, int | float) and value > 0 and re.fullmatch(r"[A-Za-z]\w*", fact)
    ]
    return {"when": {"as last time": " && ".join(measured[:MOST_CONDITIONS]) or "false"}}


def _named(led: Sequence[Led]) -> Mapping[str, Led]:
    """Each tool once, under the name of its node."""
    return {f"look_{re.sub(r'[^a-z0-9]+', '_', look.tool.lower())}": look for look in led}


def _label(step: str) -> str:
    return step.removeprefix("look_").replace("_", " ")


def _slug(text: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:60].strip("-") or "alert"
