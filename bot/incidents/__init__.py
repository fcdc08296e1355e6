"""Incidents: grouping alerts, the life cycle, and the event log that everything else is read from."""

from bot.incidents.intake import Intake
from bot.incidents.journal import Journal

__all__ = ["Intake", "Journal"]
