from __future__ import annotations

import asyncio

import pytest

from bot.errors import SlackRefused
from bot.slack.blocks import Post
from bot.work.growing import Growing


def said(text: str) -> Post:
    return Post(text, ())


class Slow:
    """A Slack that shows nothing until it is let."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.let = asyncio.Event()
        self.shown: list[str] = []
        self.broken_off = False

    async def __call__(self, post: Post) -> None:
        self.began.set()
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.broken_off = True
            raise
        self.shown.append(post.text)


async def test_what_is_being_shown_is_shown_before_the_answer_goes_on() -> None:
    slack = Slow()
    async with Growing(slack) as growing:
        growing.show(said("The batch"))
        await slack.began.wait()
        slack.let.set()
    assert slack.shown == ["The batch"]


async def test_only_the_latest_is_shown_where_slack_is_slower_than_the_speaker() -> None:
    slack = Slow()
    shown: list[str] = []

    async def show(post: Post) -> None:
        await slack(post)
        shown.append(post.text)
        if len(shown) == 2:
            done.set()

    done = asyncio.Event()
    async with Growing(show) as growing:
        growing.show(said("one"))
        await slack.began.wait()
        growing.show(said("one two"))
        growing.show(said("one two three"))
        slack.let.set()
        await done.wait()
    assert shown == ["one", "one two three"]


async def test_where_the_answer_fails_nothing_goes_on_showing_it() -> None:
    slack = Slow()

    async def fails() -> None:
        async with Growing(slack) as growing:
            growing.show(said("The batch"))
            await slack.began.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert slack.broken_off
    assert len(asyncio.all_tasks()) == 1


async def test_where_the_task_is_broken_off_showing_ends_with_it() -> None:
    slack = Slow()

    async def answers() -> None:
        async with Growing(slack) as growing:
            growing.show(said("The batch"))
            await asyncio.Event().wait()

    answering = asyncio.create_task(answers())
    await slack.began.wait()
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    assert slack.broken_off
    assert len(asyncio.all_tasks()) == 1


async def test_a_slack_that_refuses_to_show_it_costs_no_answer() -> None:
    async def refuses(post: Post) -> None:
        raise SlackRefused("Slack refused an edit.")

    async with Growing(refuses) as growing:
        growing.show(said("The batch"))
