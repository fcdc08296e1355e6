"""The search index of one process: which remembered messages are nearest to a question.

It holds terms, times and vectors, never a text: texts are fetched from Redis when they are handed out, so a message
that was forgotten there cannot come back from an index that does not know it yet.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from bot.memory import ranking
from bot.memory.columns import Column, Floats, Mask
from bot.memory.lexical import Lexical
from bot.memory.people import People
from bot.memory.question import Key, Question, matter_of
from bot.memory.surroundings import Surroundings
from bot.memory.timeline import Lane, Timeline, in_order
from bot.memory.tokens import Tokenizer
from bot.memory.vectors import Vector, Vectors
from bot.models import Message

SESSION_PAUSE_S = 3600.0
NO_CHANNEL = -1
MOST_TERMS = 200
"""Of a question: beyond that its rarest words are looked for, so that no question keeps all others waiting."""


@dataclass(frozen=True)
class Hit:
    """One row that answers, and why."""

    channel: str
    id: str
    score: float
    why: str
    covers: float


@dataclass(frozen=True, slots=True)
class _Entry:
    key: Key
    user: str
    lane: Lane
    at: float
    order: str


class Index:
    """Finds rows; safe to use from several threads, one at a time."""

    def __init__(self, *, width: int | None = None, pause_s: float = SESSION_PAUSE_S) -> None:
        """`width` is the encoder's number of dimensions, None without one."""
        self._lock = threading.Lock()
        self._tokenize = Tokenizer()
        self._lexical = Lexical()
        self._vectors = None if width is None else Vectors(width)
        self._timeline = Timeline(pause_s=pause_s)
        self._surroundings = None if self._vectors is None else Surroundings(self._vectors, self._timeline)
        self._entries: dict[int, _Entry] = {}
        self._rows: dict[Key, int] = {}
        self._free: list[int] = []
        self._channels: dict[str, int] = {}
        self._people = People()
        self._terms_of_day: dict[date, list[str]] = {}
        self._channel_of = Column(np.int32, fill=NO_CHANNEL)
        self._user_of = Column(np.int32, fill=NO_CHANNEL)
        self._sent_at = Column(np.float64)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def put(self, messages: Iterable[Message]) -> None:
        """Add messages; one that is known by its channel and id is replaced. What is said to the bot is left out."""
        for message in messages:
            terms = self._indexed_terms(message)
            with self._lock:
                self._discard((message.channel, message.id))
                if not message.to_bot:
                    self._insert(message, terms)

    def drop(self, keys: Iterable[Key]) -> None:
        """Take messages out; one that is not known is passed over."""
        with self._lock:
            for key in keys:
                self._discard(key)

    def clear(self) -> None:
        """Take everything out."""
        self.drop(list(self._rows))

    def search(self, question: Question, *, limit: int, vector: Vector | None = None) -> list[Hit]:
        """The rows nearest to the question, best first; `vector` is the question's meaning."""
        with self._lock:
            question, allowed, dated = self._placed_in_time(question)
            if not question.text.strip() or not allowed.any():
                return self._newest(allowed, limit)
            said = self._worded(question)
            worded = said.total + ranking.SPEAKER_BONUS * self._said_by(question) + ranking.DATE_BONUS * dated
            if question.channel is not None:  # it is asked in the midst of a talk
                worded += ranking.RECENCY_BONUS * ranking.recency(self._sent_at.view, allowed)
            meant = self._similarity(vector)
            scores, covers = ranking.fuse(worded, meant, allowed), said.covers
            if meant is not None:
                covers = np.where(ranking.outstanding(meant, allowed), np.float32(1), covers)
            rows = sorted(ranking.best(scores, allowed, limit), key=lambda row: self._order(row, scores))
            return [
                self._hit(row, float(scores[row]), _why(said.own[row], worded[row]), float(covers[row])) for row in rows
            ]

    def _placed_in_time(self, question: Question) -> tuple[Question, Mask, Mask]:
        """The question, the rows it may find and those it would rather find, by the time that its words name.

        Where nothing was said in that time, the words are taken for talk: 'what did he say last week' is also asked
        about a week that a message names.
        """
        allowed = self._allowed(question)
        period = question.period
        if period is None:
            return question, allowed, np.zeros_like(allowed)
        meant = allowed & self._between(period.since, period.until)
        if not period.strict:
            return question, allowed, meant
        if meant.any() or not matter_of(period.rest):
            return replace(question, text=period.rest if matter_of(period.rest) else ""), meant, meant
        return question, allowed, meant

    def missing_vectors(self, keys: Iterable[Key]) -> list[Key]:
        """Those of the messages that have no vector yet."""
        with self._lock:
            rows = ((key, self._rows.get(key)) for key in keys)
            return [key for key, row in rows if row is not None and self._vectors and not self._vectors.holds(row)]

    def put_vectors(self, vectors: Mapping[Key, Vector]) -> None:
        """Add the vectors of messages that are still known."""
        with self._lock:
            for key, vector in vectors.items():
                row = self._rows.get(key)
                if row is not None and self._vectors is not None:
                    self._vectors.put(row, vector)
                    self._touch(row)

    def nameless(self, text: str) -> str:
        """The text without the names of people."""
        with self._lock:
            return self._people.taken_out_of(text)

    def _similarity(self, vector: Vector | None) -> Floats | None:
        """Cosine of every row to the question, in its context."""
        if vector is None or self._surroundings is None:
            return None
        return self._surroundings.similarity(vector, len(self._channel_of))

    def writers(self, channel: str, most: int) -> list[str]:
        """Who wrote most in a channel."""
        with self._lock:
            here = self._user_of.view[self._channel_of.view == self._channels.get(channel, NO_CHANNEL - 1)]
            numbers, counts = np.unique(here, return_counts=True)
            return self._people.numbered([int(number) for number in numbers[np.argsort(-counts)][:most]])

    def _said_by(self, question: Question) -> Mask:
        """Rows of the people whom the question names."""
        return np.isin(self._user_of.view, self._people.named_in(question.text))

    def _order(self, row: int, scores: Floats) -> tuple[float, float, Key]:
        """Best first, then newest; then by name, so that all processes agree."""
        entry = self._entries[row]
        return -float(scores[row]), -entry.at, entry.key

    def _newest(self, allowed: Mask, limit: int) -> list[Hit]:
        rows = np.flatnonzero(allowed)
        newest = rows[np.argsort(-self._sent_at.view[rows], kind="stable")][:limit]
        return [self._hit(int(row), 0.0, "recent", 1.0) for row in newest]

    def _worded(self, question: Question) -> ranking.Worded:
        """The wording's scores; of what has to do with the question, what is emphasised gains."""
        telling = self._terms(self._people.taken_out_of(matter_of(question.text) or question.text))
        said = ranking.wording(self._lexical, self._timeline, self._terms(question.text), telling)
        worded = said.total.copy()
        if question.subject:
            named, _ = self._lexical.hits(next(iter(self._tokenize(question.subject)), ""))
            worded[named] += ranking.SUBJECT_BONUS
            said.covers[named] = 1
        if question.emphasis:
            stress = ranking.smooth(
                self._lexical.scores(self._terms(question.emphasis)), self._timeline.before, self._timeline.after
            )
            worded *= 1 + ranking.EMPHASIS_GAIN * stress / max(float(stress.max(initial=0)), 1e-6)
        return replace(said, total=worded)

    def _terms(self, text: str) -> dict[str, float]:
        terms = dict.fromkeys(self._tokenize(text), 1.0)
        if len(terms) <= MOST_TERMS:
            return terms
        known = sorted((term for term in terms if term in self._lexical), key=self._lexical.rarity, reverse=True)
        return dict.fromkeys(known[:MOST_TERMS], 1.0)

    def _hit(self, row: int, score: float, why: str, covers: float) -> Hit:
        channel, identifier = self._entries[row].key
        return Hit(channel, identifier, score, why, covers)

    def _allowed(self, question: Question) -> Mask:
        allowed: Mask = self._channel_of.view != NO_CHANNEL
        if question.channel is not None:
            allowed = self._channel_of.view == self._channels.get(question.channel, NO_CHANNEL - 1)
        if question.within is not None:
            allowed &= np.isin(
                self._channel_of.view, [self._channels.get(name, NO_CHANNEL - 1) for name in question.within]
            )
        hidden = [self._channels[name] for name in question.hidden if name in self._channels]
        if hidden:
            allowed &= ~np.isin(self._channel_of.view, hidden)
        return allowed & self._between(question.since, question.until)

    def _between(self, since: datetime | None, until: datetime | None) -> Mask:
        sent_at = self._sent_at.view
        start = -np.inf if since is None else since.timestamp()
        end = np.inf if until is None else until.timestamp()
        between: Mask = (sent_at >= start) & (sent_at < end)
        return between

    def _insert(self, message: Message, terms: Sequence[str]) -> None:
        row = self._free.pop() if self._free else self._new_row()
        channel = self._channels.setdefault(message.channel, len(self._channels))
        lane = self._lane(channel, message)
        at = message.sent_at.timestamp()
        entry = _Entry((message.channel, message.id), message.user, lane, at, in_order(message.id))
        self._channel_of[row] = channel
        self._user_of[row] = self._people.add(message.user)
        self._sent_at[row] = entry.at
        self._entries[row] = entry
        self._rows[entry.key] = row
        self._lexical.add(row, terms)
        self._place(row, entry)
        self._with_replies(message.channel, entry.lane)

    def _lane(self, channel: int, message: Message) -> Lane:
        """A thread's first message stands in the thread as soon as somebody has replied."""
        if message.thread is not None and message.thread != message.id:
            return channel, message.thread
        return channel, message.id if (channel, message.id) in self._timeline else None

    def _with_replies(self, channel: str, lane: Lane) -> None:
        """Move a thread's first message to its replies, which answer it."""
        root = self._rows.get((channel, lane[1])) if lane[1] is not None else None
        if root is not None and self._entries[root].lane[1] is None:
            self._move(root, lane)

    def _without_replies(self, lane: Lane) -> None:
        """Move a thread's first message back to the main flow when its replies are gone."""
        row = self._timeline.alone(lane) if lane[1] is not None else None
        if row is not None and self._entries[row].key[1] == lane[1]:
            self._move(row, (lane[0], None))

    def _move(self, row: int, lane: Lane) -> None:
        self._displace(row, self._entries[row])
        self._entries[row] = replace(self._entries[row], lane=lane)
        self._place(row, self._entries[row])

    def _place(self, row: int, entry: _Entry) -> None:
        beside = self._beside(entry)
        self._touch(*beside)
        self._timeline.add(row, entry.lane, entry.at, entry.order)
        self._touch(row, *beside)

    def _displace(self, row: int, entry: _Entry) -> None:
        beside = self._beside(entry)
        self._touch(row, *beside)
        self._timeline.remove(row, entry.lane, entry.at, entry.order)
        self._touch(*beside)

    def _indexed_terms(self, message: Message) -> list[str]:
        """What is searched; who spoke and when belong to it, so that 'what did Ana say in May' finds Ana's May."""
        day = message.sent_at.date()
        if day not in self._terms_of_day:
            self._terms_of_day[day] = self._tokenize(f"{day:%A %d %B %Y}")
        return self._tokenize(f"{message.user} {message.text}") + self._terms_of_day[day]

    def _new_row(self) -> int:
        self._channel_of.append(NO_CHANNEL)
        self._user_of.append(NO_CHANNEL)
        self._sent_at.append(0)
        return len(self._channel_of) - 1

    def _beside(self, entry: _Entry) -> list[int]:
        """Rows whose talk changes with this one, where meaning needs to know."""
        return self._timeline.beside(entry.lane, entry.at, entry.order) if self._surroundings is not None else []

    def _touch(self, *rows: int) -> None:
        if self._surroundings is not None:
            for row in rows:
                self._surroundings.touch(row)

    def _discard(self, key: Key) -> None:
        row = self._rows.pop(key, None)
        if row is None:
            return
        entry = self._entries.pop(row)
        self._lexical.remove(row)
        self._people.drop(entry.user)
        self._displace(row, entry)
        if self._vectors is not None:
            self._vectors.remove(row)
        self._without_replies(entry.lane)
        self._channel_of[row] = NO_CHANNEL
        self._free.append(row)


def _why(own: float, worded: float) -> str:
    if own > 0:
        return "wording"
    return "conversation" if worded > 0 else "meaning"
