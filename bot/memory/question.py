"""A question to memory, with the limits it sets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from bot.memory.dates import Period

Key = tuple[str, str]
"""Channel and message id."""
BEARS = 0.25
"""What covers less of a question has nothing to do with it. Of questions about another conversation half find nothing
above this, of questions about the conversation itself 2 in 100 (`tests/bench/memory`)."""

_ASKING = re.compile(
    r"""\b(?: what | which | who | whose | why | how | when | where | anything | something | everything | all | was
    | were | is | are | has | have | had | been | did | do | does | we | you | i | they | people | anyone | somebody
    | someone | here | there | in | on | of | about | and | this | the | that | channel | said | say | talk(?:ed)?
    | discuss(?:ed)? | mention(?:ed)? | happen(?:ed|ing)? | new | news | going | tell | show | me | us | please
    | summary | up | can | could | summar[iy][sz]e | miss(?:ed)? | last[ ]time | ever | before | s )\b
    | 什么时候 | 为什么 | 怎么了? | 什么 | 哪些 | 哪个 | 谁 | 大家 | 我们 | 你们 | 讨论 | 发生 | 上次 | 吗 | 呢""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that ask, and name nothing."""
_FILLING = re.compile(r"\b(?:go|went|wrong)\b|[说聊谈有没啥了过都的些事情况]|这里|群里|频道|总结|一下", re.IGNORECASE)
"""What may stand beside those, and names nothing if nothing else is named either."""


def matter_of(text: str) -> str:
    """What a question is about: its words without those that only ask; empty where it asks for whatever there was."""
    matter = " ".join(_ASKING.sub(" ", text).split())
    return matter if re.search(r"\w", _FILLING.sub("", matter)) else ""


@dataclass(frozen=True)
class Question:
    """What is looked for, where and when."""

    text: str
    channel: str | None = None
    since: datetime | None = None
    """Included."""
    until: datetime | None = None
    """Excluded."""
    period: Period | None = None
    """The time that the words themselves name."""
    asked_in: str | None = None
    """The channel that will read the answer."""
    within: frozenset[str] | None = None
    """Channels that may answer; None: all."""
    hidden: frozenset[str] = frozenset()
    """Channels that must not answer."""
    subject: str | None = None
    """The service that it is about: who names it has something to say."""
    emphasis: str = ""
    """Words that make a hit better, but that nobody asked for."""
