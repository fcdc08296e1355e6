"""The words in which people say when: English and Chinese."""

from __future__ import annotations

import re
from datetime import time, timedelta

NUMBERS: dict[str, float] = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "a couple of": 2, "couple of": 2, "few": 3, "a few": 3, "half an": 0.5, "half a": 0.5,
    "半": 0.5, "半个": 0.5, "零": 0, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9, "几": 3,
}  # fmt: skip
UNITS = {
    "second": timedelta(seconds=1), "sec": timedelta(seconds=1), "秒": timedelta(seconds=1),
    "秒钟": timedelta(seconds=1),
    "minute": timedelta(minutes=1), "min": timedelta(minutes=1), "hour": timedelta(hours=1), "hr": timedelta(hours=1),
    "day": timedelta(days=1), "week": timedelta(weeks=1), "month": timedelta(days=30), "h": timedelta(hours=1),
    "m": timedelta(minutes=1), "d": timedelta(days=1), "s": timedelta(seconds=1),
    "分钟": timedelta(minutes=1), "小时": timedelta(hours=1), "天": timedelta(days=1), "周": timedelta(weeks=1),
    "星期": timedelta(weeks=1), "个月": timedelta(days=30), "月": timedelta(days=30),
}  # fmt: skip
MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
WEEKDAYS = {
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6,
}  # fmt: skip

_COUNT = (
    r"half an?|a couple of|couple of|a few|few|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve"
    r"|\d{1,5}(?:\.\d{1,3})?"
)
_UNIT = r"seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|[hmds]"
_ZH_DIGIT = "[一二两三四五六七八九]"
_ZH_COUNT = rf"半个?|(?<!\d)\d{{1,5}}(?:\.\d{{1,3}})?|{_ZH_DIGIT}个半|{_ZH_DIGIT}?十{_ZH_DIGIT}?|{_ZH_DIGIT}|几"
_ZH_UNIT = r"秒钟?|分钟|小时|天|星期|周|月"
_IGNORE = re.IGNORECASE

AGO = re.compile(
    rf"\b(?:(?:about|around|roughly) )?(?P<count>{_COUNT})\s*(?P<unit>{_UNIT})\s+ago\b"
    rf"|(?:大约|大概)?(?P<zh_count>{_ZH_COUNT})\s*(?:多?个)?(?P<zh_unit>{_ZH_UNIT})(?:以?前|之前)",
    _IGNORE,
)
RECENT = re.compile(
    rf"\b(?:(?:in|over|during|within|for) )?(?:the )?(?:last|past)\s+(?P<count>{_COUNT})\s*(?P<unit>{_UNIT})\b"
    r"|\b(?:(?:in|over|during|within|for) )?(?:(?:the )?(?:last|past) (?P<unit_alone>hour|minute)"
    r"|the (?:last|past) (?P<day_alone>day)|the past (?P<long_alone>week|month)"
    r"|(?<=in |er |ng )the last (?P<long_last>week|month))\b"
    rf"|(?:最近|过去|近|这)的?\s*(?P<zh_count>{_ZH_COUNT})\s*个?(?P<zh_unit>{_ZH_UNIT})(?:内|以?来|里)?",
    _IGNORE,
)
JUST_NOW, JUST_NOW_LASTS = re.compile(r"\bjust now\b|刚才|刚刚", _IGNORE), timedelta(minutes=30)
NOW = re.compile(r"(?:now|the present)\b|现在|目前", _IGNORE)
NAMED_DAYS = [
    (re.compile(r"大前天"), (-3, -2)),
    (re.compile(r"\bday before yesterday\b|前天", _IGNORE), (-2, -1)),
    (re.compile(r"\byesterday\b|昨天|昨日|昨(?=晚|夜)", _IGNORE), (-1, 0)),
    (re.compile(r"\b(?=last night\b)", _IGNORE), (-1, 0)),
    (
        re.compile(
            r"\btoday\b|\b(?=(?:this (?:morning|afternoon|evening)|tonight)\b)|今天|今日|今(?=早|晨|晚)", _IGNORE
        ),
        (0, 1),
    ),
]
SPANS = [
    (re.compile(r"\blast weekend\b|上个?周末", _IGNORE), "last weekend"),
    (re.compile(r"\b(?:(?:over|on|at|during) the|this) weekend\b|周末", _IGNORE), "weekend"),
    (re.compile(r"\blast week\b|上个?(?:周|星期|礼拜)(?![一二三四五六日天末])", _IGNORE), "last week"),
    (re.compile(r"\bthis week\b|[本这]个?(?:周|星期|礼拜)(?![一二三四五六日天末])", _IGNORE), "this week"),
    (re.compile(r"\blast month\b|上个?月", _IGNORE), "last month"),
    (re.compile(r"\bthis month\b|[本这]个?月", _IGNORE), "this month"),
]
WEEKDAY = re.compile(
    r"\b(?:(?P<which>last|previous)|this|on)?\s*"
    r"\b(?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|wed|thurs?|fri)\b"
    r"|(?P<zh_which>上上|上|[本这])?个?(?:周|星期|礼拜)(?P<zh_day>[一二三四五六日天])",
    _IGNORE,
)
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
_DAY = r"\d{1,2}"
WRITTEN_DATE = re.compile(
    r"\b(?:on )?(?P<year_1>\d{4})(?P<between>[-/])(?P<month_1>\d{1,2})(?P=between)(?P<day_1>\d{1,2})\b"
    rf"|\b(?:on )?(?:the )?(?P<day_2>{_DAY})(?:st|nd|rd|th)?(?: of)? (?P<month_2>{_MONTH})\b"
    r"(?:,? (?P<year_2>\d{4}))?"
    rf"|\b(?:on )?(?P<month_3>{_MONTH}) (?P<day_3>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year_3>\d{{4}}))?"
    r"|(?:(?P<year_4>\d{4})年)?(?P<month_4>\d{1,2})月(?P<day_4>\d{1,2})[日号]",
    _IGNORE,
)
_HALF = r"(?:a\.?m\.?|p\.?m\.?)"
_ZH_HALF = r"凌晨|清晨|早上?|上午|中午|下午|傍晚|晚上?|夜里"
_ZH_HOUR = r"\d{1,2}|二?十[一二三四五六七八九]?|[零一二两三四五六七八九]"
_ZH_MINUTE = r"\d{1,2}|半|[一三]刻|[二三四五]?十[一二三四五六七八九]?|零[一二三四五六七八九]"


def _moment(number: int) -> str:
    """A clock time: 14:00, 2pm, 2:30 pm, 下午两点, 14点半, 14:00."""
    return (
        rf"(?:(?P<zh_half_{number}>{_ZH_HALF})?\s*"
        rf"(?:(?P<hour_{number}>\d{{1,2}})(?::(?P<minute_{number}>\d{{2}}))?(?!\d)(?!\s*[点月日号年])\s*(?P<half_{number}>{_HALF})?"
        rf"|(?P<zh_hour_{number}>{_ZH_HOUR})[点时](?:(?P<zh_minute_{number}>{_ZH_MINUTE})分?)?))"
    )


_COLON_OR_HALF = (
    rf"(?=(?:{_ZH_HALF})?\s*"
    r"(?:\d{1,2}:\d{2}|\d{1,2}\s*(?:a\.?m|p\.?m)|(?:\d{1,2}|[零一二两三四五六七八九十]{1,3})[点时]))"
)
_RANGE_START = r"(?=[^\n]{0,12}?(?:\d:\d{2}|\d\s*(?:a\.?m|p\.?m)|[点时]))"
_IN_UTC = r"(?:(?P<utc>\s*(?:UTC|GMT)\b))?"
CLOCK_RANGE = re.compile(
    rf"(?<![\d.:])(?:\b(?:between|from|at)\s+)?{_RANGE_START}{_moment(1)}\s*(?:-|–|—|~|to|and|until|till|到|至)\s*{_moment(2)}{_IN_UTC}",
    _IGNORE,
)
CLOCK_TIME = re.compile(
    rf"(?<![\d.:])(?:\b(?:at|around|about)\s+)?{_COLON_OR_HALF}{_moment(1)}{_IN_UTC}(?:左右|前后)?", _IGNORE
)
TIMESTAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:?\d\d)?(?![\d:])")
NIGHTS = [
    (re.compile(r"\b(?:around |at )?midnight\b|午夜|零点", _IGNORE), (time(23), time(1))),
    (re.compile(r"\bover ?night\b|半夜", _IGNORE), (time(18), time(8))),
]
"""Said without a day, the last one is meant; a bare 'morning' or 晚上 belongs to a shift or a job as often."""
DAY_PARTS = [
    *NIGHTS,
    (re.compile(r"\blast night\b|昨?晚上?|昨?夜里?", _IGNORE), (time(18), time(8))),
    (re.compile(r"凌晨"), (time(0), time(6))),
    (re.compile(r"\b(?:(?:this|in the) )?morning\b|今?早上?|早晨|上午|清晨", _IGNORE), (time(5), time(12))),
    (re.compile(r"\b(?:at |around )?(?:noon|midday)\b|中午", _IGNORE), (time(11), time(13, 30))),
    (re.compile(r"\b(?:(?:this|in the) )?afternoon\b|下午", _IGNORE), (time(12), time(18))),
    (re.compile(r"\b(?:(?:this|in the) )?evening\b|\btonight\b|傍晚", _IGNORE), (time(17), time(23, 59))),
]
JOINT = re.compile(r"\s*(?:-|–|—|~|\bto\b|\band\b|\buntil\b|\btill\b|\bthrough\b|到|至)\s*", _IGNORE)
"""What stands between the two ends of a stretch of days."""
DIRECTIONS = [
    (
        re.compile(r"\b(?:ever )?since\s*(?:the\s*)?$|\bafter\s*$|(?:自从?|从)\s*$", _IGNORE),
        re.compile(r"\s*(?:以来|之后|以后|开始|起|后)"),
        "since",
    ),
    (re.compile(r"\b(?:before|until|till)\s*$", _IGNORE), re.compile(r"\s*(?:之前|以前|前)"), "before"),
    (re.compile(r"\b(?:on|in|at|from|during|between)\s*(?:the\s*)?$|在\s*$", _IGNORE), None, ""),
]
"""Words before, words after, and what they make of the time."""


def number(spoken: str) -> float:
    """3, 'three', 'a couple of', 三, 十五, 一个半."""
    if spoken in NUMBERS:
        return float(NUMBERS[spoken])
    if spoken[0].isdecimal():
        return float(spoken)
    if spoken.endswith("个半"):
        return NUMBERS[spoken[0]] + 0.5
    tens, _, ones = spoken.rpartition("十")
    return 10 * NUMBERS.get(tens, 1) * ("十" in spoken) + sum(NUMBERS[digit] for digit in ones[-1:])
