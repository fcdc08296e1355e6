"""What a model said: its sentences with the numbers of their sources, and the sources below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.models import Evidence, Incident, Worded
from bot.slack.blocks import Block, Post, bullets, context, post, section
from bot.slack.text import line, link, safe_url
from bot.slack.views.causes import evidence_of

MOST_SOURCES = 12
LONGEST_SOURCE, SHORT_SOURCE = 160, 80
"""Below the ranking the sources stand in full already."""
BY = "Worded by a model from the sources above, and held against them."


@dataclass(frozen=True)
class Source:
    """What a sentence stands on."""

    text: str
    by: str = ""
    url: str | None = None


Sentences = Sequence[tuple[str, tuple[Source, ...]]]


def spoken(sentences: Sentences, missing: Sequence[str], *, refused: int = 0) -> Post:
    """An answer."""
    numbers = _numbered(sentences)
    said = " ".join(_sentence(text, sources, numbers) for text, sources in sentences)
    words = said or "I do not know."
    return post(words, [section(words), *_below(numbers, missing, refused)])


def worded(event: Worded, incident: Incident) -> Post:
    """The first cause in a model's words, below the ranking that it does not change."""
    known = evidence_of(incident)
    sentences = [(one.text, _sources(one.cites, known)) for one in event.sentences]
    doubt = [(event.doubt.text, _sources(event.doubt.cites, known))] if event.doubt else []
    numbers = _numbered([*sentences, *doubt])
    said = " ".join(_sentence(text, sources, numbers) for text, sources in sentences)
    blocks: list[Block] = [section(f":speech_balloon: *In words* — {said}")]
    blocks += [section(f":grey_question: *A doubt* — {_sentence(*one, numbers)}") for one in doubt]
    return post(f"In words: {said}", [*blocks, *_below(numbers, event.missing, event.refused, longest=SHORT_SOURCE)])


def _below(
    numbers: dict[Source, int], missing: Sequence[str], refused: int, *, longest: int = LONGEST_SOURCE
) -> list[Block]:
    sources = [f"{number}. {_source(source, longest)}" for source, number in list(numbers.items())[:MOST_SOURCES]]
    parts: list[Block] = []
    if missing:
        parts.append(section("*What is missing*\n" + bullets([line(text, 200) for text in missing])))
    if sources:
        parts.append(context("\n".join(sources)))
    dropped = f" {refused} of its sentences had no support, and are left out." if refused else ""
    return [*parts, context(f"{BY}{dropped}")]


def _numbered(sentences: Sentences) -> dict[Source, int]:
    sources = dict.fromkeys(source for _, sources in sentences for source in sources)
    return {source: number for number, source in enumerate(sources, 1)}


def _sentence(text: str, sources: Sequence[Source], numbers: dict[Source, int]) -> str:
    cited = ", ".join(str(numbers[source]) for source in sources if numbers[source] <= MOST_SOURCES)
    return f"{line(text, 600)}{f' [{cited}]' if cited else ''}"


def _source(source: Source, longest: int) -> str:
    by = f" — {line(source.by, 60)}" if source.by else ""
    where = f", {link(source.url, 'message')}" if safe_url(source.url) else ""
    return f"{line(source.text, longest)}{by}{where}"


def _sources(cites: Sequence[str], known: Mapping[str, Evidence]) -> tuple[Source, ...]:
    return tuple(
        Source(known[name].statement, url=known[name].url) if name in known else Source(name) for name in cites
    )
