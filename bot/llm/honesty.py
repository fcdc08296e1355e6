"""What a model claims, held against what was seen.

A claim is told only if it cites facts that exist, and if every figure, moment and identifier in it is in those facts:
rounded, or in another unit. Who is named must be in them too, and where both are in one language they must have a word
in common. "Asked, and nothing there" is a fact like any other. What cannot be checked is the sense of a sentence: so a
claim changes nothing, and stands beside the facts that it cites. That somebody has decided something is a fact, or is
not said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from pydantic import ConfigDict, Field

from bot.llm.figures import figures, moments, names
from bot.models import Evidence, Noun

LONGEST_CLAIM = 600
_WORD = re.compile(r"[^\W\d_]{4,}")
_COMMON = frozenset({"that", "this", "with", "from", "have", "been", "were", "which", "there", "their", "when", "while",
                     "than", "then", "they", "into", "also", "only", "more"})  # fmt: skip
_HAN = re.compile(r"[\u3400-\u9fff]")
_STEM = 5
"""So many letters of two words tell that they are the same: `blocks`, `blocking`."""
_DECISION = re.compile(r"approv|authori[sz]|endors|reject|sign(?:ed)? off|批准|同意|授权|驳回|拒绝", re.IGNORECASE)
"""Words for what people alone do, as far as all of their forms share."""
_REFERENCES = re.compile(r"\s*[\[(（【](?:[a-z]\d{1,3}(?:\s*[,，、;；]\s*)?)+[\])）】]")


class Fact(Noun):
    """Something that was seen, asked for and not there, or said: what a claim may stand on."""

    ref: str = Field(description="the short name by which the model cites it, such as e3")
    id: str = Field(description="what it stands for: the id of evidence or of a message, the path of a value")
    text: str
    source: str = Field(default="", description="who saw or said it")
    also: str = Field(default="", description="figures that belong to it and are not in its text")


class Claim(Noun):
    """One sentence, and the facts that it stands on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    cites: tuple[str, ...]


class Refused(Noun):
    """A claim that is not told, and why."""

    text: str
    why: str


class Checked(Noun):
    """What holds, in the model's order, and what does not."""

    kept: tuple[Claim, ...] = ()
    refused: tuple[Refused, ...] = ()


def check(claims: Iterable[Claim], facts: Mapping[str, Fact], *, spoken_of: Collection[str] = ()) -> Checked:
    """Sort the claims into those that hold and those that do not.

    Args:
        facts: by their short name.
        spoken_of: names that must be in the facts where they are in a claim, such as those of all services.
    """
    kept: list[Claim] = []
    refused: list[Refused] = []
    for claim in claims:
        bare = Claim(text=bare_text(claim.text), cites=tuple(dict.fromkeys(claim.cites)))
        why = objection(bare, facts, spoken_of)
        if why:
            refused.append(Refused(text=bare.text, why=why))
        else:
            kept.append(bare)
    return Checked(kept=tuple(kept), refused=tuple(refused))


def objection(claim: Claim, facts: Mapping[str, Fact], spoken_of: Collection[str] = ()) -> str | None:
    """Why the claim is not told; None where it holds."""
    if not claim.text.strip() or len(claim.text) > LONGEST_CLAIM:
        return f"it is empty or longer than {LONGEST_CLAIM} characters"
    if not claim.cites:
        return "it cites nothing"
    if unknown := [ref for ref in claim.cites if ref not in facts]:
        return f"it cites {', '.join(unknown[:3])}, which does not exist"
    cited = [facts[ref] for ref in claim.cites]
    if why := unsupported(claim.text, cited, spoken_of):
        return why
    if not _speaks_of(claim.text, " ".join(f"{fact.text} {fact.source}" for fact in cited)):
        return "it speaks of something else than the facts that it cites"
    return None


def unsupported(text: str, facts: Sequence[Fact], spoken_of: Collection[str] = ()) -> str | None:
    """The first thing in the text that is in none of the facts, in words; None where there is none."""
    seen = "\n".join(f"{fact.text} {fact.also} {fact.source}" for fact in facts)
    known = figures(seen)
    for figure in figures(text):
        if not any(figure.fits(one) for one in known):
            return f"'{figure.said}' is in none of the facts that it cites"
    spoken = seen.casefold()
    for moment in sorted(moments(text)):
        if moment not in seen:
            return f"'{moment}' is in none of the facts that it cites"
    for name in sorted(names(text)):
        if name not in spoken:
            return f"'{name}' is in none of the facts that it cites"
    if word := decision(text, spoken):
        return f"'{word}' is in none of the facts that it cites"
    for name in sorted(spoken_of):
        if _says(text.casefold(), name) and not _says(spoken, name):
            return f"'{name}' is in none of the facts that it cites"
    return None


def decision(text: str, seen: str) -> str | None:
    """The first word in it for a decision that nothing seen speaks of."""
    known = {word.casefold() for word in _DECISION.findall(seen)}
    return next((word for word in _DECISION.findall(text) if word.casefold() not in known), None)


def bare_text(text: str) -> str:
    """The sentence without the short names that models like to put into it, on one line."""
    return " ".join(_REFERENCES.sub("", text).split())


def seen_facts(evidence: Iterable[Evidence], letter: str = "e", sources: Mapping[str, str] | None = None) -> list[Fact]:
    """Evidence as facts, numbered."""
    return [
        Fact(ref=f"{letter}{number}", id=one.id, text=one.statement, source=(sources or {}).get(one.id, ""),
             also=_figures_of(one))
        for number, one in enumerate(evidence, 1)
    ]  # fmt: skip


def empty_facts(asked: Iterable[str], letter: str = "n") -> list[Fact]:
    """What was asked and came back empty, or unanswered, as facts."""
    return [
        Fact(ref=f"{letter}{number}", id=f"empty:{number}", text=text, source="asked, and nothing there")
        for number, text in enumerate(asked, 1)
    ]


def by_ref(facts: Iterable[Fact]) -> dict[str, Fact]:
    """The facts by their short name."""
    return {fact.ref: fact for fact in facts}


def told(facts: Iterable[Fact]) -> list[str]:
    """The facts as lines for a model."""
    return [f"{fact.ref}{f' ({fact.source})' if fact.source else ''}: {fact.text}" for fact in facts]


def _figures_of(one: Evidence) -> str:
    unit = f" {one.unit}" if one.unit else ""
    known = [f"{value:.10g}{unit}" for value in (one.value, one.baseline) if value is not None]
    return "; ".join([*known, f"{one.observed_at:%Y-%m-%d %H:%M:%S}"])


def _speaks_of(said: str, seen: str) -> bool:
    """Whether the two have something in common; where one is Chinese and the other is not, that cannot be asked for."""
    if bool(_HAN.search(said)) != bool(_HAN.search(seen)) or figures(said) or names(said) or moments(said):
        return True
    return bool(telling(said) & telling(seen))


def telling(text: str) -> set[str]:
    """What a text is about: the beginnings of its words, every pair of Han characters, its names and its numbers."""
    words = [word for word in _WORD.findall(text.casefold()) if not _HAN.search(word)]
    han = "".join(_HAN.findall(text))
    pairs = {han[at : at + 2] for at in range(len(han) - 1)}
    numbers = {f"{figure.bare:g}" for figure in figures(text)}
    return {word[:_STEM] for word in words if word not in _COMMON} | pairs | names(text) | numbers


def _says(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name.casefold())}(?![\w-])", text) is not None
