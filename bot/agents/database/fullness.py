"""Since when the connections have been used up, as far as those who hold them tell.

Each session that is still here held its connection at every moment since it began. So from the beginning of the last of
the oldest that make up a limit on, the limit was reached, whoever came and went beside them. It may have been reached
before: where sessions take turns, this moment is more recent than the true one, and then it only says less.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from bot.agents.wording import clock

FULL = 0.95
"""The share of a limit from which it is as good as reached: the last few come and go."""


def told(since: datetime | None) -> str:
    """A sentence for people, with the space before it; nothing where nobody knows."""
    return f" They have been as good as used up since {clock(since)} at the latest." if since else ""


def full_since(begun: Iterable[datetime], limit: int) -> datetime | None:
    """The latest moment at which the limit was reached; None where those who are still here do not make it up.

    Args:
        begun: the beginnings of the sessions that count for the limit, our own left out.
    """
    needed = max(1, math.ceil(FULL * limit))
    ordered = sorted(begun)
    return ordered[needed - 1] if len(ordered) >= needed else None
