"""`nightdesk audit verify|export`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.errors import BadInput
from bot.remediation.audit import Audit
from bot.settings import Settings
from bot.storage import redis_at_hand


async def verify(settings: Settings, export: Path | None, out: Callable[[str], None]) -> None:
    """Say that the chain is unbroken, and where it ends.

    Raises:
        Torn: naming the place.
        BadInput: an export that cannot be read.
    """
    known = _lines(export) if export else []
    async with redis_at_hand(settings.redis, settings.data_dir) as redis:
        latest = await Audit(redis, settings.audit_key).verify(known)
    if latest is None:
        out("The audit trail is empty.")
        return
    sealed = "sealed with the key" if settings.audit_key else "without a key (NIGHTDESK_AUDIT_KEY)"
    out(
        f"{latest.number} entries, unbroken, {sealed}. The last one is of {latest.at:%Y-%m-%d %H:%M} UTC: {latest.hash}"
    )


async def export(settings: Settings, out: Callable[[str], None]) -> None:
    """Print the whole trail, one JSON object a line, checked on the way.

    Raises:
        Torn: the chain is broken; what was printed before that is sound.
    """
    async with redis_at_hand(settings.redis, settings.data_dir) as redis:
        audit, latest = Audit(redis, settings.audit_key), None
        async for entry in audit.entries():
            audit.require_next(latest, entry)
            out(entry.model_dump_json())
            latest = entry


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}") from None
