"""Who speaks in the channels, and whom a question names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAME_PART = re.compile(r"[^\W\d_]{2,}")


@dataclass
class _Person:
    number: int
    messages: int
    folded: str
    parts: tuple[str, ...]
    """Pieces of the name, capitalised; none for a name of one piece."""


class People:
    """The writers of the indexed messages; who has none left is not known any more."""

    def __init__(self) -> None:
        self._people: dict[str, _Person] = {}
        self._next = 0

    def __contains__(self, user: object) -> bool:
        return user in self._people

    def add(self, user: str) -> int:
        """One more message of theirs; their number."""
        person = self._people.get(user)
        if person is None:
            parts = tuple(part.capitalize() for part in _NAME_PART.findall(user) if part != user)
            person = self._people[user] = _Person(self._next, 0, user.casefold(), parts)
            self._next += 1
        person.messages += 1
        return person.number

    def drop(self, user: str) -> None:
        """One message of theirs less."""
        person = self._people[user]
        person.messages -= 1
        if person.messages == 0:
            del self._people[user]

    def numbered(self, numbers: Sequence[int]) -> list[str]:
        """Their names, in that order."""
        names = {person.number: user for user, person in self._people.items()}
        return [names[number] for number in numbers if number in names]

    def named_in(self, text: str) -> list[int]:
        """The numbers of those whom the text names: whole, in any case, or by a piece of the name in capitals."""
        folded = text.casefold()
        return [person.number for person in self._people.values() if _names(person, text, folded)]

    def taken_out_of(self, text: str) -> str:
        """The text without the people it names, whom encoders latch onto; the text itself if nothing is left."""
        folded = text.casefold()
        rest = text
        for user, person in self._people.items():
            if _names(person, text, folded):
                for name in (user, *person.parts):
                    rest = re.sub(rf"@?{_alone(name)}(?:['’]s)?", " ", rest, flags=re.IGNORECASE)
        return " ".join(rest.split()) or text


def _names(person: _Person, text: str, folded: str) -> bool:
    if person.folded and person.folded in folded and re.search(_alone(person.folded), folded):
        return True
    return any(part in text and re.search(_alone(part), text) for part in person.parts)


def _alone(name: str) -> str:
    """Not inside another word; a CJK name needs no space around it."""
    guard = r"[A-Za-z0-9]"
    return rf"(?<!{guard}){re.escape(name)}(?!{guard})"
