"""`nightdesk alert aside`: what found no place, and once more."""

from __future__ import annotations

from collections.abc import Callable

from bot.incidents.aside import Aside, Misplaced
from bot.plural import many
from bot.settings import Settings
from bot.storage import holds_anything, redis_at_hand, require_usable


async def aside(settings: Settings, out: Callable[[str], None], *, again: bool) -> None:
    """Print one line for each alert that is kept aside; or have all of them sorted again.

    Raises:
        Misconfigured: Redis cannot be used.
    """
    if settings.redis is None and not holds_anything(settings.data_dir):
        out("No alert is kept aside.")
        return
    async with redis_at_hand(settings.redis, settings.data_dir) as redis:
        await require_usable(redis)
        kept = Aside(redis)
        if again:
            out(f"{many(await kept.again(), 'alert')} will be sorted again, by whoever serves.")
            return
        found = await kept.all()
    out("\n".join(_line(one) for one in found) or "No alert is kept aside.")


def _line(one: Misplaced) -> str:
    what = f"{one.alert.source}: {one.alert.name}, {one.alert.status}" if one.alert else "this version cannot read it"
    return f"{one.at:%Y-%m-%d %H:%M:%S} UTC  {what}  ({one.why})"
