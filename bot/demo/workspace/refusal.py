"""How Slack's Web API says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.errors import SlackRefused

Json = dict[str, Any]


class Refusal(SlackRefused):
    """One `ok: false` answer.

    Args:
        code: Slack's error name, such as `channel_not_found`.
        details: what is wrong, one sentence each, as Slack lists them for `invalid_blocks`.
    """

    def __init__(self, code: str, details: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {'; '.join(details)}" if details else code)
        self.code = code
        self.details = tuple(details)

    @property
    def envelope(self) -> Json:
        """The body of the answer."""
        body: Json = {"ok": False, "error": self.code}
        if self.details:
            body["errors"] = list(self.details)
            body["response_metadata"] = {"messages": [f"[ERROR] {detail}" for detail in self.details]}
        return body
