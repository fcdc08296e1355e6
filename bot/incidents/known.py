"""Histories that this process has read before. Events are never changed, so only what came since is read again.

In a storm, hundreds of alerts join one incident within seconds, and each of them looks at its history.
"""

from __future__ import annotations

from collections import OrderedDict

from bot.models import Recorded

MOST_EVENTS = 20_000


class KnownHistories:
    """The histories that were used last, up to a number of events in all."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self._most_events = most_events
        self._events = 0
        self._histories: OrderedDict[str, list[Recorded]] = OrderedDict()

    def of(self, incident_id: str) -> list[Recorded]:
        """What is known of it; empty for one that is not known."""
        return self._histories.get(incident_id, [])

    def learn(self, incident_id: str, history: list[Recorded]) -> None:
        """Keep it, and let go of what was not used for longest."""
        self._events += len(history) - len(self._histories.pop(incident_id, []))
        self._histories[incident_id] = history
        while self._events > self._most_events:
            _, forgotten = self._histories.popitem(last=False)
            self._events -= len(forgotten)
