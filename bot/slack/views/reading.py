"""How reading a channel back goes: one line that moves."""

from __future__ import annotations

from datetime import datetime

from bot.slack.text import date, line

WHY = "so that I can look back when it matters"


def under_way(read: int, back_to: datetime | None, *, slow: bool, wait_s: float = 0.0) -> str:
    """Still reading. `wait_s`: Slack has asked to wait so long."""
    so_far = f"{read:,} messages so far{_back_to(back_to)}" if read else "just begun"
    pace = " Slack lets me read 15 messages a minute here, so this takes its time; what is said now I hear at once."
    wait = f" Slack asks me to wait {wait_s:.0f} s." if wait_s else ""
    return f":hourglass_flowing_sand: Reading this channel back, {WHY}: {so_far}.{pace if slow else ''}{wait}"


def done(read: int, back_to: datetime | None) -> str:
    """Everything is read."""
    if not read:
        return (
            ":white_check_mark: There was nothing to read back in this channel. I remember what is said from here on."
        )
    return f":white_check_mark: I have read back {read:,} messages of this channel{_back_to(back_to)}, {WHY}."


def given_up(read: int, reason: str) -> str:
    """It did not work. `reason` is an error's sentence."""
    kept = f"The {read:,} messages that I have read are kept. " if read else ""
    return (
        f":warning: I could not read this channel back: {line(reason, 400)} {kept}"
        "What is said from here on I hear. To try again, take me out of the channel and invite me again."
    )


def _back_to(moment: datetime | None) -> str:
    return f", back to {date(moment)}" if moment else ""
