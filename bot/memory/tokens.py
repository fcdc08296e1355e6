"""Text to search terms: stems for words, parts for identifiers, single and paired characters for CJK."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Kana, Han and Hangul: scripts that are written without spaces, or that inflect by suffixes no stemmer here knows."""
_RUN = re.compile(rf"[{CJK}]+|(?:(?![{CJK}])[\w'’])+(?:[./:@#-](?:(?![{CJK}])[\w'’])+)*")
_CJK_RUN = re.compile(rf"[{CJK}]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PARTS = re.compile(r"[./:@#_-]+")

_STOPPED = """
a about after again all also am an and any are arent as at be because been before being below between both but
by can cant could couldnt d did didnt do does doesnt doing dont down during each few for from further get gets
got had hadnt has hasnt have havent having he her here hers herself him himself his how i id if ill im in into
is isnt it its itself ive just ll let lets m me more most my myself no nor not now of off on once only or
other our ours ourselves out over own re s same she should shouldnt so some such t than that thats the their
theirs them themselves then there these they this those through to too under until up us ve very was wasnt we
well were werent what when where which while who whom why will with wont would wouldnt you your yours yourself
yourselves 的 了 是 在 和 就 都 而 及 与 着 吗 呢 吧 啊 么
"""
STOP_WORDS = frozenset(_STOPPED.split())
"""Words that say nothing about what a message is about."""


class Tokenizer:
    """Splits text into search terms. Safe to use from several threads."""

    def __init__(self) -> None:
        self._local = threading.local()

    def __call__(self, text: str) -> list[str]:
        """The terms of the text, in order, with repetitions."""
        words = [word for run in _RUN.findall(unicodedata.normalize("NFKC", text)) for word in _words(run)]
        terms: list[str] = self._stemmer.stemWords(words)
        return terms

    @property
    def _stemmer(self) -> Any:
        """One for each thread, and without a cache: a forgotten word must not stay in it."""
        if not hasattr(self._local, "stemmer"):
            import Stemmer  # noqa: PLC0415 - only where something is tokenized

            self._local.stemmer = Stemmer.Stemmer("english", 0)
        return self._local.stemmer


def _words(run: str) -> Iterable[str]:
    if run.isascii() and (run.isdigit() or (run.isalpha() and run[1:].islower())):  # most runs, and no identifier
        word = run.lower()
        return () if word in STOP_WORDS else (word,)
    return _characters(run) if _CJK_RUN.match(run) else _identifier(run)


def _identifier(run: str) -> Iterator[str]:
    """The parts, and the whole where there are several."""
    parts = list(_split_identifier(run))
    if len(parts) > 1:
        yield "".join(parts)
    yield from (part for part in parts if part not in STOP_WORDS)


def _characters(run: str) -> Iterator[str]:
    """Unigrams find a word whose neighbours changed, bigrams keep the order."""
    for character in run:
        if character not in STOP_WORDS:
            yield character
    for first, second in pairwise(run):
        yield first + second


def _split_identifier(run: str) -> Iterator[str]:
    """`payments_db`, `PaymentErrors`, `api-v2` and `/var/log/app.log` in their parts, lower case."""
    for piece in _PARTS.split(run):
        for word in _CAMEL.split(piece):
            yield from _plain(word.casefold())


def _plain(word: str) -> Iterator[str]:
    bare = word.replace("’", "'").strip("'")
    bare = bare.removesuffix("'s").replace("'", "")
    if bare:
        yield bare
