"""Words for Slack: everything from outside is made harmless here before it reaches a block.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from html import unescape
from urllib.parse import urlsplit

from bot.slack.marks import WORD_JOINER, unmarked, unpictured, unticked

NOTE_ROOM = 40
"""Characters kept free for the note that says how much was cut."""

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters; tab and newline stay
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"  # what turns the reading direction could forge a target
    "\u00ad\u180e\u2060-\u2064\u206a-\u206f\ufff9-\ufffb\U000e0000-\U000e007f"  # what nobody sees
    "\ud800-\udfff\ufffe\uffff]"  # not characters at all
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"  # joiners belong to other scripts, and to emoji
)
_SHOUT = re.compile(r"@(?=(?:channel|here|everyone|group)\b)", re.IGNORECASE)
_OPENING = re.compile(r"<(?=[!@#])")
_BROKEN_ENTITY = re.compile(r"&[a-z]{0,3}$")
_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_ENTITY = re.compile(r"<([^<>\n]{1,3000})>")
_UNSAFE_IN_URL = re.compile(r"[\s<>|`\"\\^{}\x00-\x20\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Without control, direction and non-characters; line ends are `\\n`."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> str:
    """Outside text that Slack shows as it is: no entity, link, mention, emoji or formatting comes out of it."""
    return _entities(unmarked(_hushed(clean(text))))


def _copied(text: str) -> str:
    return _entities(unticked(_hushed(clean(text))))


def _hushed(text: str) -> str:
    return _SHOUT.sub("@" + WORD_JOINER, text)


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, limit: int) -> str:
    """Outside text, escaped, in at most `limit` characters; what was cut is said."""
    return _cut(text, limit, escape)


def _cut(text: str, limit: int, escaping: Callable[[str], str]) -> str:
    escaped = escaping(text[: 2 * limit])
    if len(escaped) <= limit and len(text) <= 2 * limit:
        return escaped
    kept = _BROKEN_ENTITY.sub("", escaped[: max(0, limit - NOTE_ROOM)]).rstrip()
    shown = unescape(kept).replace(WORD_JOINER, "")
    return f"{kept} … ({len(text) - len(shown):,} more characters)"[:limit]


def line(text: str, limit: int) -> str:
    """As `cut`, on one line: outside text cannot forge a line of ours."""
    return cut(_joined(text, limit), limit)


def code(text: str, limit: int) -> str:
    """As `line`, in a code span, where it stands letter by letter and can be copied."""
    return f"`{_cut(_joined(text, limit), limit, _copied)}`"


def _joined(text: str, limit: int) -> str:
    return " ".join(text[: 4 * limit + 4000].split())


def bold(text: str, limit: int) -> str:
    """As `line`, in bold: an asterisk of the outside would end it halfway."""
    return f"*{line(text, limit).replace('*', '∗')}*"


def label(text: str, limit: int) -> str:
    """Outside text for a `plain_text` object (a button, a title), where Slack interprets nothing; nor would others."""
    harmless = _OPENING.sub("<" + WORD_JOINER, unpictured(_hushed(clean(text[: 4 * limit + 4000]))))
    bare = " ".join(harmless.split())
    return bare if len(bare) <= limit else bare[: limit - 1].rstrip() + "…"


def own(text: str, limit: int) -> str:
    """Text that is escaped already, cut to fit without breaking an entity in two."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 2]
    opened = kept.rfind("<")
    if opened > kept.rfind(">"):
        kept = kept[:opened]
    return _BROKEN_ENTITY.sub("", kept).rstrip() + " …"


def safe_url(url: str | None) -> str | None:
    """The URL if it is a plain http(s) address, else None."""
    if not url or len(url) > 2000 or _UNSAFE_IN_URL.search(url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and host and not parts.username else None


def link(url: str | None, words: str) -> str:
    """The words, linked where the URL can be trusted to be one."""
    address = safe_url(url)
    shown = line(words, 150)
    return f"<{address.replace('&', '&amp;')}|{shown.replace('|', '/')}>" if address else shown


def person(user: str) -> str:
    """A mention for a user id, plain words for any other actor."""
    return f"<@{user}>" if _PERSON.fullmatch(user) else line(user, 80)


def date(instant: datetime) -> str:
    """A moment in the reader's own time zone, with UTC where that cannot be shown."""
    return f"<!date^{int(instant.timestamp())}^{{date_short_pretty}} at {{time}}|{utc(instant)}>"


def utc(instant: datetime) -> str:
    """A moment in words that need no client to show them."""
    return instant.strftime("%Y-%m-%d %H:%M UTC")


def plain(text: str) -> str:
    """What a person reads for a text as Slack delivers it: entities and mentions become words."""
    return unescape(_ENTITY.sub(_spoken, text))


def _spoken(entity: re.Match[str]) -> str:
    target, _, words = entity[1].partition("|")
    match target[:1]:
        case "@":
            return f"@{words or target[1:]}"
        case "#":
            return f"#{words or target[1:]}"
        case "!":
            name = target[1:].split("^")[0]
            return words if words and name in {"subteam", "date"} else f"@{name}"
    return f"{words} ({target})" if words and words != target else target
