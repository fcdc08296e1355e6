"""The drawing of a playbook in the thread: a picture with the way so far, or the same in words."""

from __future__ import annotations

from bot.slack.blocks import NOTHING, Block, Post, context, post, section
from bot.slack.text import bold, cut, label, line

LEGEND = "✓ done · ▶ running · ⏳ waiting for people · ✗ failed · – skipped · ○ not reached"
LONGEST_ALT = 1900


def drawing(title: str, words: str, file_id: str | None) -> Post:
    """One message for one run. `words` has a line for each node; they stand in for a picture that is not there."""
    name = line(title, 200)
    shown = _picture(words, file_id) if file_id else section(cut(words, 2800))
    return post(
        f"Where the playbook “{name}” stands: {line(_latest(words), 300)}",
        [section(f":world_map: {bold(title, 200)}, the playbook that runs"), shown, context(LEGEND)],
    )


def _picture(words: str, file_id: str) -> Block:
    return {
        "type": "image",
        "slack_file": {"id": file_id},
        "alt_text": label(" · ".join(words.splitlines()), LONGEST_ALT) or NOTHING,
    }


def _latest(words: str) -> str:
    """What runs, waits or failed; else the last thing that was done."""
    lines = words.splitlines()
    going = [told for told in lines if told[:1] in "▶⏳✗"]
    done = [told for told in lines if told[:1] == "✓"]
    return "; ".join(going) or (done[-1] if done else "it has not begun")
