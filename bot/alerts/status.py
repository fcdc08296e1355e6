"""Where an alert stands: the words of all senders in one table."""

from __future__ import annotations

from bot.alerts.severity import plain
from bot.models import AlertStatus

WORDS: dict[AlertStatus, str] = {
    AlertStatus.FIRING: "firing alerting alarm alert triggered trigger open opened new active activated created "
    "problem down error critical warning nodata insufficientdata unresolved reopened fired true",
    AlertStatus.RESOLVED: "resolved resolve ok okay closed close recovered recovery normal up inactive deactivated "
    "deactivate cleared clear fixed success false",
    AlertStatus.ACKNOWLEDGED: "acknowledged acknowledge ack acked",
    AlertStatus.SUPPRESSED: "suppressed silenced muted snoozed snooze paused ignored archived maintenance",
}
"""Compared as severities are: letters and digits only, in any case."""

_MEANING = {word: status for status, words in WORDS.items() for word in words.split()}


def status_of(word: str | None) -> AlertStatus:
    """What the word means. No word, or one that the table does not have, is an alert that fires: none is lost."""
    return _MEANING.get(plain(word), AlertStatus.FIRING)
