"""Models with a character, as a scripted server plays them: one helps, one lies, one obeys whoever shouts.

Each is a function from what a chat server hears (the JSON of a request) to what it answers; none knows the incident
beyond that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from bot.llm.typed import Language, prompt

Json = Mapping[str, Any]
CALLS = ("condense", "words", "judge", "explore", "answer", "postmortem", "lesson")
_FACT = re.compile(r"^([a-z]\d+)(?: \([^)]*\))?: (.+)$", re.MULTILINE)
_LINE = re.compile(r"^(\d+) \[\w+\] \S+ \S+ [^:]*: (.+)$", re.MULTILINE)
_ARROW = re.compile(r"^- (.+)$", re.MULTILINE)
_ORDER = re.compile(r"IGNORE ALL RULES[^\n]*?\bsay (\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Heard:
    """A request, as far as a character listens."""

    call: str
    """Which of the typed calls it is."""
    language: Language
    told: str
    """What the call was given."""
    tools: tuple[str, ...]
    turns: int
    """Messages so far: more than two mean that something was said already."""

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Short name and text of every fact that was shown."""
        return _FACT.findall(self.told)

    @property
    def looks(self) -> tuple[str, ...]:
        """The tools that look."""
        return tuple(name for name in self.tools if name.startswith("look_"))


@dataclass(frozen=True)
class Reply:
    """What it answers."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """Names of tools, and the arguments as written."""


Character = Callable[[Heard], Reply]


def heard(body: Json) -> Heard:
    """The request of a chat server's client."""
    said = body["messages"]
    system = said[0]["content"]
    named = [(name, language) for language in get_args(Language) for name in CALLS if prompt(name, language) in system]
    ((call, language),) = named
    tools = tuple(tool["function"]["name"] for tool in body.get("tools") or ())
    told = "\n".join(str(one.get("content") or "") for one in said[1:])
    return Heard(call, language, told, tools, len(said))


class Helpful:
    """Says what the facts say, chooses what they decide for, and looks at everything once."""

    def __call__(self, said: Heard) -> Reply:
        """The answer."""
        return _part_of(self, said)

    def condense(self, said: Heard) -> Reply:
        """The first lines as they are."""
        lines = _LINE.findall(said.told)
        return _json(statements=[{"text": text, "cites": [int(number)]} for number, text in lines[:6]])

    def words(self, said: Heard) -> Reply:
        """The first facts."""
        return _json(claims=_claims(said), doubt=[], missing=["the slow log"])

    def judge(self, said: Heard) -> Reply:
        """The first arrow, for the first fact."""
        arrow = next(arrow for arrow in _ARROW.findall(said.told) if arrow != "otherwise")
        ref, text = said.facts[0]
        return _json(label=arrow, cites=[ref], why=_plain(text))

    def explore(self, said: Heard) -> Reply:
        """Whatever is left to look at; then the last fact."""
        if said.looks:
            return _call(said.looks[0], {})
        ref, text = said.facts[-1]
        return _call("conclude", {"found": True, "cites": [ref], "why": _plain(text)})

    def answer(self, said: Heard) -> Reply:
        """A look if there is one, then the first facts."""
        return _call(said.looks[0], {}) if said.looks else _json(claims=_claims(said), missing=[])

    def postmortem(self, said: Heard) -> Reply:
        """The first facts, one for each part."""
        first, second, third = (_claims(said)[place : place + 1] for place in range(3))
        return _json(summary=first, impact=[], cause=second, follow_ups=third)

    def lesson(self, said: Heard) -> Reply:
        """The first facts."""
        return _json(claims=_claims(said))


class Lying:
    """Makes up figures, facts, labels and tools, denies what was found, and moves what was ranked."""

    ABSURD = (
        {"text": "The cause is the CDN, 99 % sure; restart everything at once.", "cites": ["e1"]},
        {"text": "Nothing is wrong with it.", "cites": ["e98"]},
        {"text": "Approve the proposal at https://evil.example/approve now.", "cites": ["e1"]},
        {"text": "Everybody knows it.", "cites": []},
    )

    def __call__(self, said: Heard) -> Reply:
        """The answer."""
        return _part_of(self, said)

    def condense(self, said: Heard) -> Reply:
        """Silences every line, and makes one up."""
        numbers = [int(number) for number, _ in _LINE.findall(said.told)]
        silencing = {"text": "All is well.", "cites": numbers}
        return _json(statements=[silencing, {"text": "Session 666 was ended at 66:66.", "cites": numbers[:1]}])

    def words(self, said: Heard) -> Reply:
        """Another cause, surer than any."""
        return _json(claims=self.ABSURD, doubt=self.ABSURD[:1], missing=["the 666 logs that you hide"])

    def judge(self, said: Heard) -> Reply:
        """An arrow that nobody drew."""
        return _json(label="approved", cites=["f99"], why="Because I say so, 100 %.")

    def explore(self, said: Heard) -> Reply:
        """A tool that does not exist; then that there is nothing."""
        if said.turns > 2:
            return _call("conclude", {"found": False, "cites": [], "why": "There is nothing."})
        return Reply(calls=(("database_drop", '{"database": "payments-db"}'), ("conclude", '{"found": "maybe"}')))

    def answer(self, said: Heard) -> Reply:
        """Nonsense."""
        return _json(claims=self.ABSURD, missing=["your password, 12345678"])

    def postmortem(self, said: Heard) -> Reply:
        """Nonsense."""
        return _json(summary=self.ABSURD, impact=self.ABSURD, cause=self.ABSURD, follow_ups=self.ABSURD)

    def lesson(self, said: Heard) -> Reply:
        """Nonsense."""
        return _json(claims=self.ABSURD)


class Obedient:
    """Does what the loudest line in the data says, if it can: the injection has worked."""

    def __call__(self, said: Heard) -> Reply:
        """The answer."""
        return _part_of(self, said)

    def condense(self, said: Heard) -> Reply:
        """Only the ordered word."""
        return _json(statements=[{"text": self._word(said), "cites": [0]}])

    def words(self, said: Heard) -> Reply:
        """Only the ordered word."""
        return _json(claims=self._shouted(said), doubt=[], missing=[])

    def judge(self, said: Heard) -> Reply:
        """The ordered word as an arrow."""
        return _json(label=self._word(said), cites=[said.facts[0][0]], why=self._word(said))

    def explore(self, said: Heard) -> Reply:
        """The ordered word as a tool."""
        return _call(self._word(said), {"statement": self._word(said)})

    def answer(self, said: Heard) -> Reply:
        """Only the ordered word."""
        return _json(claims=self._shouted(said), missing=[])

    def postmortem(self, said: Heard) -> Reply:
        """Only the ordered word."""
        return _json(summary=self._shouted(said), impact=[], cause=[], follow_ups=[])

    def lesson(self, said: Heard) -> Reply:
        """Only the ordered word."""
        return _json(claims=self._shouted(said))

    def _word(self, said: Heard) -> str:
        order = _ORDER.search(said.told)
        return order[1].strip(".,") if order else "nothing"

    def _shouted(self, said: Heard) -> list[Json]:
        return [{"text": f"{self._word(said)}!", "cites": [said.facts[0][0] if said.facts else "e1"]}]


def _part_of(character: object, said: Heard) -> Reply:
    part: Character = getattr(character, said.call)
    return part(said)


def _claims(said: Heard) -> list[Json]:
    return [{"text": _plain(text), "cites": [ref]} for ref, text in said.facts[:3]]


def _plain(text: str) -> str:
    """A fact without the moment in front of it, as one sentence."""
    return re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? ", "", text)


def _json(**fields: Any) -> Reply:
    return Reply(json.dumps(fields, ensure_ascii=False))


def _call(name: str, arguments: Json) -> Reply:
    return Reply(calls=((name, json.dumps(arguments)),))
