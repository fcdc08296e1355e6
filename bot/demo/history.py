"""What the channel has said in the past two weeks, so that the bot has something to remember."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.models import Message

ONCALL, DEPLOYS, GENERAL = "C0PAYMENTS", "C0DEPLOYS", "C0GENERAL"
MINA, TOM, AIKO, RAJ = "U0MINA", "U0TOM", "U0AIKO", "U0RAJ"
DAY_MIN = 24 * 60


@dataclass(frozen=True)
class Reply:
    """An answer in a thread."""

    after_min: float
    """Minutes after the message that it answers."""
    user: str
    text: str


@dataclass(frozen=True)
class Remark:
    """A message of the past and its thread."""

    ago_min: float
    """How many minutes before now it was said."""
    user: str
    text: str
    channel: str = ONCALL
    replies: tuple[Reply, ...] = ()


HISTORY = (
    Remark(
        13.1 * DAY_MIN, MINA, "Handover: quiet week, one page for a full disk on the build host. Tom has it from here."
    ),
    Remark(12.6 * DAY_MIN, RAJ, "Café Linde asks whether we can print their logo on the receipts?"),
    Remark(12.5 * DAY_MIN, TOM, "payments 4.17.0 is out: receipts show the shop's address", DEPLOYS),
    Remark(11.9 * DAY_MIN, AIKO, "The certificates of the payment databases were renewed, the next time is in a year."),
    Remark(11.2 * DAY_MIN, TOM, "Who took the good keyboard from the on-call desk?", GENERAL),
    Remark(10.4 * DAY_MIN, AIKO, "Vacuum on payments finished, the table went from 9 GB to 6 GB."),
    Remark(
        9.3 * DAY_MIN,
        MINA,
        "Scan-to-pay is failing, customers stand at the counter. The log is full of "
        "`canceling statement due to lock timeout`.",
        replies=(
            Reply(2, TOM, "I restarted one payments instance, no change. Nothing was deployed today."),
            Reply(
                4,
                AIKO,
                "It is the database: one session of `reporting-job` sits idle in transaction and holds the rows of "
                "accounts. 11 payment sessions wait behind it.",
            ),
            Reply(5, MINA, "Can we just end that session? What do we lose?"),
            Reply(6, AIKO, "Nothing. The report rolls back and starts over at its next run. Ending it now."),
            Reply(7, AIKO, "Ended with pg_terminate_backend, the queue is gone."),
            Reply(8, MINA, "Failures went from 97 % to 0 within 20 seconds. Over after 9 minutes in all."),
            Reply(31, TOM, "PAY-412: the report has to commit after each batch. Until then this can come back."),
        ),
    ),
    Remark(8.9 * DAY_MIN, RAJ, "The sales demo on Friday uses the test shop, please do not reset it."),
    Remark(8.2 * DAY_MIN, TOM, "payments 4.17.1 is out: fewer log lines at start", DEPLOYS),
    Remark(
        7.4 * DAY_MIN,
        TOM,
        "Two declined payments at Kino Astra, the customer says the wallet was full?",
        replies=(
            Reply(6, MINA, "It was not: 3 EUR left, tickets for 24 EUR. All as it should be."),
            Reply(9, TOM, "Thanks, told them."),
        ),
    ),
    Remark(
        6.8 * DAY_MIN, TOM, "The reporting job runs at 01:00 from tonight, finance wants its numbers before breakfast."
    ),
    Remark(
        6.1 * DAY_MIN, MINA, "Alert PaymentFailureRateHigh now looks at scan-to-pay only, at 20 % for a few seconds."
    ),
    Remark(5.7 * DAY_MIN, RAJ, "Is the coffee machine broken again?", GENERAL),
    Remark(5.6 * DAY_MIN, AIKO, "Yes. The technician comes tomorrow.", GENERAL),
    Remark(
        4.5 * DAY_MIN,
        AIKO,
        "Postgres minor upgrade of payments-db is done, 40 seconds of read-only, no failed payments.",
        replies=(Reply(12, MINA, "Nice, I did not even notice."),),
    ),
    Remark(3.9 * DAY_MIN, TOM, "wallet limits: marketing wants 500 EUR, security says 400. We stay at 400 for now."),
    Remark(3.2 * DAY_MIN, MINA, "Card terminal at Rad & Tat was offline for an hour, their router. Not ours."),
    Remark(
        2.4 * DAY_MIN,
        AIKO,
        "Heads-up: the reporting job was moved from 01:00 to 03:00. It takes a lock on accounts for a few minutes. "
        "If it hangs, ending its session is safe, it starts over at its next run. Please do not restart payments "
        "for it, that only throws away requests.",
        replies=(
            Reply(3, TOM, "PAY-412 is still open, so it still holds the lock until the end."),
            Reply(5, MINA, "Noted. I am on call this week, Aiko for the database."),
        ),
    ),
    Remark(2.1 * DAY_MIN, RAJ, "Hofladen Weber goes live on Monday, expect a bit more traffic on Saturdays."),
    Remark(1.6 * DAY_MIN, TOM, "payments 4.18.2 is out: wording of declined payments in two languages", DEPLOYS),
    Remark(1.5 * DAY_MIN, TOM, "4.18.2 looks good: no more errors than before, p95 at 12 ms."),
    Remark(1.1 * DAY_MIN, RAJ, "Lunch at the new place at 12:30?", GENERAL),
    Remark(
        1.0 * DAY_MIN, AIKO, "The pool of payments has 12 connections now instead of 10, the database has room for 60."
    ),
    Remark(0.6 * DAY_MIN, MINA, "Stand-up moves to 09:45 tomorrow.", GENERAL),
    Remark(190, TOM, "Bäckerei Sonntag had a queue this morning, payments were fine, their scanner was slow."),
    Remark(95, MINA, "Back from lunch with the people of Optik Klar, they like the new receipts."),
)


def messages(now: datetime) -> Iterator[Message]:
    """The history as messages, oldest thread first."""
    for number, remark in enumerate(HISTORY):
        said_at = now - timedelta(minutes=remark.ago_min)
        top = f"{number}.0"
        yield Message(id=top, channel=remark.channel, user=remark.user, text=remark.text, sent_at=said_at)
        for place, reply in enumerate(remark.replies, start=1):
            yield Message(
                id=f"{number}.{place}",
                channel=remark.channel,
                thread=top,
                user=reply.user,
                text=reply.text,
                sent_at=said_at + timedelta(minutes=reply.after_min),
            )


class Remember(Protocol):
    """Puts a message into a workspace's past; gives the name that it got there."""

    def __call__(self, user: str, channel: str, text: str, at: datetime, *, thread: str | None = None) -> str: ...


def retell(remember: Remember, now: datetime) -> None:
    """Put the history into a workspace."""
    names: dict[str, str] = {}
    for message in messages(now):
        thread = names[message.thread] if message.thread else None
        names[message.id] = remember(message.user, message.channel, message.text, message.sent_at, thread=thread)
