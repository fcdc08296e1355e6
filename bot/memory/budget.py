"""What fits: tokens are estimated the same way everywhere."""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4


def tokens_of(user: str, text: str) -> float:
    """Estimated tokens of `user: text`."""
    return len(f"{user}: {text}") / CHARACTERS_PER_TOKEN
