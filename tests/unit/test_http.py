"""The door to HTTP servers: pages, patience and where credentials may go."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from bot.errors import SourceUnavailable
from bot.http import HttpSource

BASE = "https://ci.example.com/api/v4"


def source(answer: Callable[[httpx.Request], httpx.Response]) -> HttpSource:
    return HttpSource("ci", BASE, headers={"Authorization": "Bearer t"}, transport=httpx.MockTransport(answer))


def linking(to: str) -> HttpSource:
    return source(lambda _: httpx.Response(200, json=[1], headers={"link": f'<{to}>; rel="next"'}))


async def test_the_next_page_is_asked_below_the_same_address() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        more = {"link": f'<{BASE}/deployments?page=2&x=a%2Fb>; rel="next"'} if len(asked) == 1 else {}
        return httpx.Response(200, json=[len(asked)], headers=more)

    async with source(answer) as ci:
        first = await ci.page("deployments", {"x": "a/b"})
        assert first.next_path is not None
        last = await ci.page(first.next_path)
    assert (first.body, last.body, last.next_path) == ([1], [2], None)
    assert asked[1] == f"{BASE}/deployments?page=2&x=a%2Fb"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example.net/api/v4/x", "http://ci.example.com/api/v4/x", "https://ci.example.com/other"]
)
async def test_a_page_elsewhere_is_not_asked_for(elsewhere: str) -> None:
    async with linking(elsewhere) as ci:
        with pytest.raises(SourceUnavailable, match="at another address"):
            await ci.page("deployments")


async def test_a_short_wait_that_the_server_asks_for_is_kept() -> None:
    answers = iter([httpx.Response(429, headers={"retry-after": "0"}), httpx.Response(200, json={"ok": True})])
    async with source(lambda _: next(answers)) as ci:
        assert await ci.get("deployments") == {"ok": True}


@pytest.mark.parametrize(("status", "asked", "said"), [
    (429, "3600", "for 3600 s"), (403, "60", "for 60 s"), (503, "Wed, 21 Oct 2026 07:28:00 GMT", "for now"),
])  # fmt: skip
async def test_a_server_that_asks_for_a_long_rest_is_not_asked_again(status: int, asked: str, said: str) -> None:
    tries = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        return httpx.Response(status, text="slow down", headers={"retry-after": asked})

    async with source(answer) as ci:
        with pytest.raises(SourceUnavailable, match=f"slow down .it asks to be left alone {said}"):
            await ci.get("deployments")
    assert tries == 1
