"""Nightdesk: the on-call colleague in Slack."""

__version__ = "0.1.0"
