"""Words that want no look and no essay: a greeting, thanks, and orders to change something."""

from __future__ import annotations

import re

LONGEST = 300
"""Characters; who writes more wants an answer."""
_END = r"[\s!.,~…?？！。，]*(?::[a-z_+0-9-]+:|[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f])*[\s!.]*"
_GREETING = re.compile(
    r"(?:(?:hi|hello|hey|hiya|yo|howdy|good (?:morning|afternoon|evening|night)|bye|goodbye|see you|ping|test"
    r"|are you (?:there|alive|awake|ok(?:ay)?)|how are you(?: doing)?|who are you)"
    r"(?:[\s,]+(?:there|all|bot|nightdesk|again))?"
    r"|你好|您好|嗨|早上好|早|晚上好|在吗|再见)" + _END,
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:(?:many )?thanks?(?: you)?|thank you|thx|ty|cheers|much appreciated|great|perfect|awesome|cool|nice"
    r"|well done|good (?:job|work|bot)|nice (?:job|work|one)|ok(?:ay)?|got it|谢谢|多谢|辛苦了|好的)"
    r"(?:[\s,]+(?:thanks?(?: you)?|so much|very much|a lot|again|bot|nightdesk|all|for (?:your|the) help"
    r"|that (?:helped|was it|is it)))*(?:你们?|您|大家|啦|了)*" + _END,
    re.IGNORECASE,
)
_POLITE = r"(?:please|pls|now|just|okay|ok|hey|and|then|also|go|ahead)[\s,]+"
_ASKED = r"(?:can|could|would|will) (?:you|we)[\s,]+"
_ORDER = re.compile(
    rf"(?:{_POLITE})*(?P<asked>{_ASKED})?(?:{_POLITE})*"
    r"(?:re-?start|reboot|bounce|roll[ -]?back|revert|scale(?: up| down| out| in)?|kill|terminate|drain|cordon"
    r"|fail[ -]?over|re-?deploy|deploy|turn (?:on|off)|switch (?:on|off)|approve|reject)\b"
    r"(?!\s+(?:of|in|on|at|by|from|was|were|is|are|has|had|did|does|failed|fails|loops?|rates?|counts?|history|policy"
    r"|error|errors)\b)[^?？]*(?P<question>[?？])?.*"
    r"|(?:请|麻烦|帮我|帮忙|现在|马上)*(?:重启|回滚|扩容|缩容|杀掉|下线|切换|批准|驳回)(?!了|过|的|失败|次数)[^?？吗]*",
    re.IGNORECASE | re.DOTALL,
)


def is_greeting(text: str) -> bool:
    """Whether somebody only says hello, or asks whether anybody is there."""
    return _is(_GREETING, text) is not None


def is_thanks(text: str) -> bool:
    """Whether somebody only says thanks, or that it is well."""
    return _is(_THANKS, text) is not None


def is_order(text: str) -> bool:
    """Whether the words tell the bot to change something; "restart?" alone asks what others think."""
    order = _is(_ORDER, text)
    return order is not None and (order["question"] is None or order["asked"] is not None)


def _is(kind: re.Pattern[str], text: str) -> re.Match[str] | None:
    words = text.strip()
    return kind.fullmatch(words) if len(words) <= LONGEST else None
