"""The audit trail: an append-only record in which every entry carries the hash of the one before it.

Who decided what, when, on what was shown, and what came of it. An entry that is changed, taken out, put in or moved
breaks the chain. With a key (`NIGHTDESK_AUDIT_KEY`) the hashes are HMACs: whoever can write to Redis, but does not know
the key, cannot mend the chain either. A tail that was cut off shows against an earlier export.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, cast

from pydantic import Field, SecretStr, ValidationError
from redis.asyncio import Redis

from bot.errors import NightdeskError
from bot.models import Instant, Noun, Proposal, Proposed, Recorded
from bot.storage.scripts import append_audit

CHAIN = "nd:{audit}:chain"
"""Stream of entries (JSON)."""
HEAD = "nd:{audit}:head"
"""Hash: `number` and `hash` of the latest entry, and how far each incident is in it."""
BEGINNING = "0" * 64
KINDS = frozenset({
    "proposed", "endorsed", "approved", "rejected", "expired", "executing", "executed", "not_executed",
    "outcome_unknown", "verified", "note", "handed_over", "resolved",
})  # fmt: skip
"""Events of an incident that are kept here."""
PAGE = 500


class Entry(Noun):
    """One line of the trail."""

    number: int = Field(ge=1)
    at: Instant
    who: str
    what: str = Field(description="kind of event, such as approved")
    incident_id: str = ""
    event_id: str = ""
    proposal_id: str = ""
    digest: str = Field(default="", description="of what was shown and approved")
    shown: dict[str, Any] | None = Field(default=None, description="with a proposal: everything that people were shown")
    content: dict[str, Any] = Field(default_factory=dict, description="the rest of the event")
    before: str = Field(description="hash of the entry before; zeros for the first")
    hash: str = ""


class Torn(NightdeskError):
    """The chain is broken."""


class Audit:
    """Keeps the trail."""

    def __init__(self, redis: Redis, key: SecretStr | None = None) -> None:
        self._redis = redis
        self._key = key.get_secret_value().encode() if key else b""

    async def take(self, incident_id: str, history: Sequence[Recorded]) -> int:
        """Append what the trail does not have of the incident yet, in order and once; how many entries that were."""
        kept = [recorded for recorded in history if recorded.event.kind in KINDS]
        return sum([await self._once(incident_id, one.id, _entry(incident_id, one)) for one in kept])

    async def say(self, key: str, at: Instant, who: str, what: str, content: dict[str, Any]) -> None:
        """Append something that belongs to no incident, such as a standing approval; once for each key."""
        await self._once(key, "1-0", {"at": at, "who": who, "what": what, "content": content})

    async def _once(self, place: str, event_id: str, fields: dict[str, Any]) -> bool:
        """Append it unless the trail is that far already at that place; whether this call did."""
        while True:
            number, before, cursor = await self._head(f"of:{place}")
            if cursor and _order(event_id) <= _order(cursor):
                return False
            unsealed = Entry(**fields, number=int(number or 0) + 1, before=before or BEGINNING)
            entry = unsealed.model_copy(update={"hash": self.hash_of(unsealed)})
            appended = await append_audit(
                self._redis,
                chain=CHAIN,
                head=HEAD,
                before=before,
                number=entry.number,
                digest=entry.hash,
                entry=entry.model_dump_json(),
                place=f"of:{place}",
                cursor=cursor,
                event_id=event_id,
            )
            if appended:
                return True

    async def entries(self) -> AsyncIterator[Entry]:
        """From the first to the last.

        Raises:
            Torn: an entry cannot be read.
        """
        start = "-"
        while page := cast("list[tuple[str, dict[str, str]]]", await self._redis.xrange(CHAIN, min=start, count=PAGE)):
            for _, fields in page:
                try:
                    yield Entry.model_validate_json(fields["entry"])
                except (ValidationError, KeyError):
                    raise Torn("An entry of the trail cannot be read: it was not written by Nightdesk.") from None
            start = f"({page[-1][0]}"

    async def verify(self, export: Iterable[str] = ()) -> Entry | None:
        """The latest entry of an unbroken chain; None for an empty one.

        Args:
            export: an earlier export, line by line; it must be unbroken by itself, and its end part of the chain.

        Raises:
            Torn: naming the place.
        """
        expected = self._end_of(export)
        latest: Entry | None = None
        async for entry in self.entries():
            self.require_next(latest, entry)
            if expected and entry.number == expected.number:
                _require_same(entry, expected)
            latest = entry
        if expected and (latest is None or latest.number < expected.number):
            raise Torn(
                f"The trail ends at entry {latest.number if latest else 0}, but the export knows {expected.number}: "
                "its end was cut off."
            )
        await self._require_head(latest)
        return latest

    def require_next(self, latest: Entry | None, entry: Entry) -> None:
        """The entry follows the latest, and nobody has changed it.

        Raises:
            Torn: naming what is wrong.
        """
        number, before = (latest.number, latest.hash) if latest else (0, BEGINNING)
        if latest is None and entry.number != 1:
            raise Torn(f"The trail begins with entry {entry.number}: what was before that was taken out.")
        if entry.number != number + 1:
            raise Torn(f"After entry {number} comes {entry.number}: entries were taken out, put in or moved.")
        if latest is None and entry.before != before:
            raise Torn("Entry 1 is not the beginning of a trail: it was put there, or changed.")
        if not hmac.compare_digest(entry.before, before):
            raise Torn(f"Entry {entry.number} does not follow entry {number}: one of them was changed.")
        if not hmac.compare_digest(entry.hash, self.hash_of(entry)):
            raise Torn(f"Entry {entry.number} ({entry.what} by {entry.who}) was changed, or the key is another one.")

    def hash_of(self, entry: Entry) -> str:
        """SHA-256 over the canonical JSON of everything but the hash; an HMAC where there is a key."""
        content = entry.model_dump(mode="json", exclude={"hash"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        if self._key:
            return hmac.new(self._key, canonical, hashlib.sha256).hexdigest()
        return hashlib.sha256(canonical).hexdigest()

    def _end_of(self, export: Iterable[str]) -> Entry | None:
        """The last entry of an export that nobody has changed; None for an empty one."""
        latest: Entry | None = None
        for line in filter(str.strip, export):
            try:
                entry = Entry.model_validate_json(line)
            except ValidationError:
                behind = f"after entry {latest.number}" if latest else "at its beginning"
                raise Torn(f"The export holds something {behind} that is no entry of an audit trail.") from None
            try:
                self.require_next(latest, entry)
            except Torn as torn:
                raise Torn(f"The export itself was changed: {torn}") from None
            latest = entry
        return latest

    async def _require_head(self, latest: Entry | None) -> None:
        number, digest, _ = await self._head("")
        ends = (latest.number, latest.hash) if latest else (0, BEGINNING)
        if (int(number or 0), digest or BEGINNING) != ends:
            raise Torn(f"The trail should end at entry {number or 0}: its end was cut off, or something was added.")

    async def _head(self, place: str) -> tuple[str, str, str]:
        """Number and hash of the latest entry, and how far the place is; empty where there is nothing."""
        found = await self._redis.hmget(HEAD, "number", "hash", place)
        number, digest, cursor = ("" if one is None else str(one) for one in found)
        return number, digest, cursor


def _entry(incident_id: str, recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    proposal: Proposal | None = event.proposal if isinstance(event, Proposed) else None
    content = event.model_dump(mode="json", exclude={"kind", "at", "actor", "proposal", "proposal_id", "digest"})
    return {
        "at": event.at,
        "who": event.actor,
        "what": event.kind,
        "incident_id": incident_id,
        "event_id": recorded.id,
        "proposal_id": proposal.id if proposal else getattr(event, "proposal_id", ""),
        "digest": proposal.digest if proposal else getattr(event, "digest", ""),
        "shown": proposal.model_dump(mode="json") if proposal else None,
        "content": content,
    }


def _order(event_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in event_id.split("-"))


def _require_same(entry: Entry, exported: Entry) -> None:
    if entry.hash != exported.hash:
        raise Torn(f"Entry {entry.number} is not the one that was exported: the trail was written anew.")
