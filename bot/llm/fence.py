"""Outside text on its way to a model: masked, on as much room as it is worth, between lines that nobody can forge.

Whoever wrote a log line or a message cannot know the boundary, so nothing in it can end the fence, and nothing in it is
a mark by which a server parts turns. The rules that every prompt begins with say that what stands between the lines is
never an order. That a model keeps to it is not relied on: what it answers is checked by `honesty`, and can only name
what exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.masking import Mask

MOST = 6000
"""Characters of one fenced text."""
LONGEST_LINE = 400
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""What a person does not see and a model reads: control characters, direction marks, tag characters."""
_TURN = re.compile(r"<(?=[|｜/!?A-Za-z_])|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z]+)\])")
"""Begins what some servers take for a mark between turns, such as `<|im_start|>`, `</s>`, `<tool_call>` or `[INST]`."""
_LIKE = {"<": "‹", "[": "［"}


@dataclass(frozen=True)
class Fence:
    """One conversation's fence.

    Args:
        boundary: random, for this conversation alone.
    """

    mask: Mask
    boundary: str

    def put(self, what: str, text: str, *, most: int = MOST, narrow: str = "") -> str:
        """The text as the model gets it.

        Args:
            what: our own word for what it is.
            most: characters of it that are shown.
            narrow: how to ask for less, said where something was cut.
        """
        # Cut twice: masking an endless text costs time, and masked text has another length.
        return self._between(what, self._harmless(text[: 2 * most]), max(0, len(text) - 2 * most), most, narrow)

    def lines(self, what: str, lines: Iterable[str], *, most: int = MOST, narrow: str = "") -> str:
        """Several texts, each on a line of its own: none can forge the beginning of another.

        Each is masked by itself, and before it is cut: none can make another one look like a part of a secret, and no
        secret is cut in two so that nobody knows it again.
        """
        shown = [one_line(self._harmless(one_line(line, 4 * LONGEST_LINE))) for line in lines]
        return self._between(what, "\n".join(shown), 0, most, narrow)

    def _harmless(self, text: str) -> str:
        shown = self.mask.mask(visible(text)).replace(self.boundary, "")
        return _TURN.sub(lambda begun: _LIKE[begun[0]], shown)

    def _between(self, what: str, shown: str, left: int, most: int, narrow: str) -> str:
        if left or len(shown) > most:
            left += max(0, len(shown) - most)
            note = " ".join(part for part in (f"cut here: about {left} characters are not shown.", narrow) if part)
            shown = f"{shown[:most].rstrip()}\n[{note}]"
        return f"<{self.boundary} {what}>\n{shown}\n</{self.boundary}>"


def visible(text: str) -> str:
    """Without what only a machine reads."""
    return _INVISIBLE.sub("", text)


def one_line(text: str, most: int = LONGEST_LINE) -> str:
    """The text on one line, and so much of it."""
    bare = " ".join(visible(text[: 4 * most]).split())
    return bare if len(bare) <= most and len(text) <= 4 * most else f"{bare[:most].rstrip()} …"
