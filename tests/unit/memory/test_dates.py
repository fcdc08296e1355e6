"""Dates in words, in the channel's time zone, across the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.dates import Period, read_period

SHANGHAI, BERLIN, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOW = datetime(2026, 5, 14, 10, 30, tzinfo=UTC)
"""A Thursday."""


def _read(text: str, *, now: datetime = NOW, zone: ZoneInfo | None = None) -> Period:
    period = read_period(text, now=now, zone=zone or ZoneInfo("UTC"))
    assert period is not None, text
    return period


def _utc(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("what happened since yesterday?", "2026-05-13T00:00", None),
        ("what broke yesterday", "2026-05-13T00:00", "2026-05-14T00:00"),
        ("deploys today", "2026-05-14T00:00", "2026-05-15T00:00"),
        ("the day before yesterday", "2026-05-12T00:00", "2026-05-13T00:00"),
        ("last Tuesday 14:00–15:00", "2026-05-12T14:00", "2026-05-12T15:00"),
        ("last Tuesday between 2pm and 3pm", "2026-05-12T14:00", "2026-05-12T15:00"),
        ("on Tuesday from 14:00 to 15:30", "2026-05-12T14:00", "2026-05-12T15:30"),
        ("last Thursday", "2026-05-07T00:00", "2026-05-08T00:00"),
        ("Thursday", "2026-05-14T00:00", "2026-05-15T00:00"),
        ("since Monday", "2026-05-11T00:00", None),
        ("before Monday", None, "2026-05-11T00:00"),
        ("last week", "2026-05-04T00:00", "2026-05-11T00:00"),
        ("last month", "2026-04-01T00:00", "2026-05-01T00:00"),
        ("an hour ago", "2026-05-14T09:00", "2026-05-14T10:00"),
        ("since an hour ago", "2026-05-14T09:30", None),
        ("in the last 2 hours", "2026-05-14T08:30", None),
        ("over the past 30 minutes", "2026-05-14T10:00", None),
        ("last night", "2026-05-13T18:00", "2026-05-14T08:00"),
        ("this morning", "2026-05-14T05:00", "2026-05-14T12:00"),
        ("yesterday at 14:20", "2026-05-13T14:05", "2026-05-13T14:50"),
        ("since 09:00", "2026-05-14T09:00", None),
        ("at 23:00", "2026-05-13T22:45", "2026-05-13T23:30"),
        ("since 2026-05-01", "2026-05-01T00:00", None),
        ("2026-05-01 22:00-01:00", "2026-05-01T22:00", "2026-05-02T01:00"),
        ("昨天发生了什么", "2026-05-13T00:00", "2026-05-14T00:00"),
        ("从昨天开始有什么变更", "2026-05-13T00:00", None),
        ("昨晚谁值班", "2026-05-13T18:00", "2026-05-14T08:00"),
        ("上周二的故障", "2026-05-05T00:00", "2026-05-06T00:00"),
        ("周二14:00到15:00", "2026-05-12T14:00", "2026-05-12T15:00"),
        ("上周二下午两点到三点", "2026-05-05T14:00", "2026-05-05T15:00"),
        ("两小时前", "2026-05-14T08:00", "2026-05-14T09:00"),
        ("半小时前", "2026-05-14T09:45", "2026-05-14T10:15"),
        ("最近3天的发布", "2026-05-11T10:30", None),
        ("上周的发布", "2026-05-04T00:00", "2026-05-11T00:00"),
        ("前天上午", "2026-05-12T05:00", "2026-05-12T12:00"),
        ("what happened in the last hour", "2026-05-14T09:30", None),
        ("in the last week", "2026-05-07T10:30", None),
        ("just now", "2026-05-14T10:00", None),
        ("40 minutes ago", "2026-05-14T09:40", "2026-05-14T10:00"),
        ("3 days ago", "2026-05-11T00:00", "2026-05-12T00:00"),
        ("3 days ago at 14:00", "2026-05-11T13:45", "2026-05-11T14:30"),
        ("三天前下午", "2026-05-11T12:00", "2026-05-11T18:00"),
        ("大前天", "2026-05-11T00:00", "2026-05-12T00:00"),
        ("十五分钟前", "2026-05-14T10:11:15", "2026-05-14T10:18:45"),
        ("二十小时前", "2026-05-13T09:30", "2026-05-13T19:30"),
        ("一个半小时前", "2026-05-14T08:30", "2026-05-14T09:30"),
        ("昨晚十点", "2026-05-13T21:45", "2026-05-13T22:30"),
        ("今天凌晨", "2026-05-14T00:00", "2026-05-14T06:00"),
        ("昨天中午", "2026-05-13T11:00", "2026-05-13T13:30"),
        ("over the weekend", "2026-05-09T00:00", "2026-05-11T00:00"),
        ("around midnight", "2026-05-13T23:00", "2026-05-14T01:00"),
        ("yesterday 3pm-4", "2026-05-13T15:00", "2026-05-13T16:00"),
        ("between Monday and Wednesday", "2026-05-11T00:00", "2026-05-14T00:00"),
        ("from Friday to Sunday", "2026-05-08T00:00", "2026-05-11T00:00"),
        ("from 2026-05-01 to 2026-05-03", "2026-05-01T00:00", "2026-05-04T00:00"),
        ("yesterday 22:00 to today 09:00", "2026-05-13T22:00", "2026-05-14T09:00"),
        ("since Monday until now", "2026-05-11T00:00", None),
        ("从周一到周三", "2026-05-11T00:00", "2026-05-14T00:00"),
        ("2026/05/03 14:00", "2026-05-03T13:45", "2026-05-03T14:30"),
        ("since 2026-05-03T14:00:00Z", "2026-05-03T14:00", None),
        ("since 2026-05-03T14:00:00+02:00", "2026-05-03T12:00", None),
    ],
)
def test_a_phrase_is_a_stretch_of_time(text: str, since: str | None, until: str | None) -> None:
    period = _read(text)
    assert (period.since, period.until) == (_utc(since), _utc(until))
    assert period.strict


@pytest.mark.parametrize("text", ["On 3 May 2026", "May 3rd", "2026-05-03", "5月3日"])
def test_a_date_may_also_be_told_in_the_days_after_it(text: str) -> None:
    period = _read(f"what did we change {text}?")
    assert (period.since, period.until) == (_utc("2026-05-03T00:00"), _utc("2026-05-06T00:00"))
    assert not period.strict


@pytest.mark.parametrize(
    "text",
    ["why is checkout slow", "error 502 on node-3", "v2.3 of payments", "10.0.0.1:5432 refuses", "may I restart it",
     "port 8080", "we have 20 connections", "支付服务报错", "ratio 3 to 4", "pid 14 and 15",
     "who runs the morning batch", "晚上的批处理", "the evening shift", "9999-12-31"],
)  # fmt: skip
def test_other_talk_names_no_time(text: str) -> None:
    assert read_period(text, now=NOW, zone=ZoneInfo("UTC")) is None


def test_what_is_left_is_what_is_asked() -> None:
    assert _read("who deployed payments since yesterday").rest == "who deployed payments"
    assert _read("昨天的发布").rest == "的发布"


def test_yesterday_is_the_channels_day() -> None:
    late = datetime(2026, 5, 14, 20, 0, tzinfo=UTC)  # already the 15th in Shanghai
    assert _read("yesterday", now=late, zone=SHANGHAI).since == datetime(2026, 5, 13, 16, tzinfo=UTC)
    assert _read("yesterday", now=late, zone=NEW_YORK).since == datetime(2026, 5, 13, 4, tzinfo=UTC)


def test_the_day_the_clocks_go_forward_has_23_hours() -> None:
    period = _read("yesterday", now=datetime(2026, 3, 30, 9, tzinfo=UTC), zone=BERLIN)
    assert period.since is not None
    assert period.until is not None
    assert period.until - period.since == timedelta(hours=23)


def test_the_day_the_clocks_go_back_has_25_hours() -> None:
    period = _read("昨天", now=datetime(2026, 10, 26, 9, tzinfo=UTC), zone=BERLIN)
    assert period.since is not None
    assert period.until is not None
    assert period.until - period.since == timedelta(hours=25)


def test_an_hour_ago_is_an_hour_even_when_the_clocks_change() -> None:
    now = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)  # 03:10 in Berlin, ten minutes after the change
    assert _read("since an hour ago", now=now, zone=BERLIN).since == now - timedelta(hours=1)


def test_an_hour_that_the_clocks_show_twice_is_meant_both_times() -> None:
    period = _read("yesterday 02:15–02:45", now=datetime(2026, 10, 26, 9, tzinfo=UTC), zone=BERLIN)
    assert (period.since, period.until) == (_utc("2026-10-25T00:15"), _utc("2026-10-25T01:45"))


def test_an_hour_that_the_clocks_skip_is_still_a_time() -> None:
    period = _read("yesterday 02:00–02:45", now=datetime(2026, 3, 30, 9, tzinfo=UTC), zone=BERLIN)
    assert (period.since, period.until) == (_utc("2026-03-29T00:00"), _utc("2026-03-29T01:45"))


@pytest.mark.parametrize(
    ("zone", "since"),
    [
        ("Asia/Kolkata", "2026-05-12T18:30"),
        ("Australia/Lord_Howe", "2026-05-12T13:30"),  # its clocks move by half an hour
        ("Pacific/Kiritimati", "2026-05-13T10:00"),  # 14 hours ahead: it is Friday there
        ("Pacific/Pago_Pago", "2026-05-12T11:00"),  # 11 hours behind: it is still Wednesday there
    ],
)
def test_yesterday_is_right_all_around_the_world(zone: str, since: str) -> None:
    assert _read("yesterday", zone=ZoneInfo(zone)).since == _utc(since)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe"])
def test_every_day_of_a_year_begins_where_the_one_before_it_ends(zone: str) -> None:
    days = [_read("yesterday", now=NOW + timedelta(days=number), zone=ZoneInfo(zone)) for number in range(366)]
    assert all(one.until == another.since for one, another in pairwise(days))
    lengths = {another.since - one.since for one, another in pairwise(days) if one.since and another.since}
    assert timedelta(hours=24) in lengths
    assert len(lengths) == 3


def test_clock_times_are_those_of_the_channel() -> None:
    period = _read("last Tuesday 14:00–15:00", zone=NEW_YORK)
    assert period.since == datetime(2026, 5, 12, 18, tzinfo=UTC)


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    period = read_period(text, now=NOW, zone=BERLIN)
    assert period is None or period.since is not None or period.until is not None


def test_a_clock_time_in_utc_is_not_moved() -> None:
    period = _read("last Tuesday 14:00–15:00 UTC", zone=NEW_YORK)
    assert (period.since, period.until) == (_utc("2026-05-12T14:00"), _utc("2026-05-12T15:00"))


_FRAGMENTS = ["since", "before", "the", "last", "past", "hour", "week", "days", "ago", "99999", "12", "a few",
              "Monday", "yesterday", "14:00", "3pm", "-", "to", "and", "May", "31", "9999-12-31", "0001-01-01", "UTC",
              "now", "昨天", "上", "周", "二", "十", "五", "个", "半", "小时", "分钟", "前", "最近", "下午",
              "点", "到", "月", "日"]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(_FRAGMENTS), st.sampled_from(["", " "])), max_size=9))
def test_any_words_of_time_can_be_read(words: list[tuple[str, str]]) -> None:
    text = "".join(word + gap for word, gap in words)
    period = read_period(text, now=NOW, zone=NEW_YORK)
    assert period is None or period.since is not None or period.until is not None


def test_a_very_long_text_keeps_what_is_behind_its_time() -> None:
    period = _read(f"since yesterday {'x ' * 50_000}ledger")
    assert period.since == _utc("2026-05-13T00:00")
    assert period.rest.endswith("ledger")
