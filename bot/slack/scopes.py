"""What the app must be allowed to do, and why. `slack-manifest.yaml` asks for exactly these."""

from __future__ import annotations

from collections.abc import Iterable

SCOPES = {
    "app_mentions:read": "hear when it is mentioned",
    "channels:history": "remember what is said in its channels",
    "channels:read": "find the channels that it is in",
    "chat:write": "write its card and its thread",
    "commands": "answer /nightdesk and “Triage this”",
    "files:read": "find a picture again after a crash",
    "files:write": "put charts into the thread",
    "groups:history": "remember what is said in private channels that it was invited to",
    "groups:read": "find the private channels that it is in",
    "im:history": "hear direct messages",
    "im:write": "answer direct messages",
    "reactions:read": "learn from a pushpin",
    "reactions:write": "show by :eyes: that it has heard, by :brain: that it remembers",
    "usergroups:read": "check who may approve",
    "users:read": "show names instead of ids",
}
"""Scope → what it is for."""

EVENTS = (
    "app_home_opened",
    "app_mention",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "reaction_added",
)


def missing(granted: Iterable[str]) -> dict[str, str]:
    """The scopes that the app was not given, with what will not work."""
    return {scope: purpose for scope, purpose in SCOPES.items() if scope not in set(granted)}
