"""`nightdesk audit verify|export`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import BadInput
from bot.plural import many
from bot.remediation.audit import Audit, Entry
from bot.settings import Settings
from bot.storage import redis_at_hand, require_usable


async def verify(settings: Settings, export: Path | None, out: Callable[[str], None]) -> None:
    """Say that the chain is unbroken, and where it ends.

    Raises:
        Torn: naming the place.
        BadInput: an export that cannot be read, or is empty.
        Misconfigured: Redis cannot be used.
    """
    known = _lines(export) if export else []
    async with _trail(settings) as audit:
        latest = await audit.verify(known)
    if latest is None:
        out("The audit trail is empty.")
        return
    sealed = "sealed with the key" if settings.audit_key else "without a key (NIGHTDESK_AUDIT_KEY)"
    out(
        f"{many(latest.number, 'entry')}, unbroken, {sealed}. The last one is of {latest.at:%Y-%m-%d %H:%M} UTC: "
        f"{latest.hash}"
    )
    if known:
        out(f"It begins with the {many(len(known), 'entry')} of {export}, unchanged.")


async def export(settings: Settings, out: Callable[[str], None]) -> None:
    """Print the whole trail, one JSON object a line, checked on the way.

    Raises:
        Torn: the chain is broken; what was printed before that is sound.
        Misconfigured: Redis cannot be used.
    """
    latest: Entry | None = None
    async with _trail(settings) as audit:
        async for entry in audit.entries():
            audit.require_next(latest, entry)
            out(entry.model_dump_json())
            latest = entry


@asynccontextmanager
async def _trail(settings: Settings) -> AsyncIterator[Audit]:
    async with redis_at_hand(settings.redis, settings.data_dir) as redis:
        await require_usable(redis)
        yield Audit(redis, settings.audit_key)


def _lines(file: Path) -> list[str]:
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file} is no text, so it is no export.") from None
    if not lines:
        raise BadInput(f"{file} is empty, so it shows nothing: an export has a line for every entry.")
    return lines
