"""The door to HTTP servers: pages, patience and where credentials may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bot.errors import EffectFailed, SourceUnavailable
from bot.http import HttpSource, send_once, strays
from tests.servers.process import free_port

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


@pytest.mark.parametrize("broken", ["http://[::1", "http://xn--/a"])
async def test_an_address_of_the_next_page_that_is_none_is_a_source_that_is_unavailable(broken: str) -> None:
    async with linking(broken) as ci:
        with pytest.raises(SourceUnavailable, match="no address"):
            await ci.page("deployments")


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


async def test_it_is_asked_again_after_exactly_the_time_that_the_server_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    answers = iter([httpx.Response(503, headers={"retry-after": "1"}), httpx.Response(200, json={})])
    async with source(lambda _: next(answers)) as ci:
        await ci.get("deployments")
    assert waited == [1.0]


@pytest.mark.parametrize(
    ("path", "leads_away"),
    [
        ("pods/a", False),
        ("search?q=../x", False),
        ("files/a..b", False),
        ("../admin", True),
        ("pods/%2e%2e/admin", True),
        ("pods/%252e%252e/admin", True),
        ("pods%252f..%252fadmin", True),
        ("pods\\..\\admin", True),
        ("//evil.example.net/x", True),
        ("https://evil.example.net/x", True),
    ],
)
def test_a_path_that_leads_away_is_told_however_it_is_written(path: str, leads_away: bool) -> None:
    assert strays(path) is leads_away


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


class Dripping(httpx.AsyncByteStream):
    """An answer that comes in these pieces, and may break off."""

    def __init__(self, *pieces: bytes, breaks: bool = False) -> None:
        self.pieces, self.breaks, self.sent = pieces, breaks, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.sent += 1
            yield piece
        if self.breaks:
            raise httpx.ReadError("connection reset")


async def read_lines(stream: httpx.AsyncByteStream, max_bytes: int = 10_000) -> list[bytes]:
    async with source(lambda _: httpx.Response(200, stream=stream)) as ci:
        return [line async for part in ci.lines("GET", "log", max_bytes=max_bytes) for line in part]


async def test_lines_are_whole_whatever_the_pieces_they_come_in() -> None:
    assert await read_lines(Dripping(b"one\ntw", b"o", b"\nthree\n\nfo", b"ur")) == [
        b"one", b"two", b"three", b"", b"four",
    ]  # fmt: skip


async def test_a_stream_is_left_after_its_most_bytes() -> None:
    stream = Dripping(*[b"x" * 99 + b"\n"] * 100)
    assert len(await read_lines(stream, max_bytes=1000)) == 10
    assert stream.sent == 10


async def test_a_line_without_end_is_cut() -> None:
    lines = await read_lines(Dripping(*[b"x" * 600_000] * 5, b"\nnext"), max_bytes=9_000_000)
    assert [len(line) <= 1_600_000 for line in lines] == [True, True]
    assert lines[1] == b"next"


async def test_a_stream_that_breaks_off_is_a_gap_behind_what_came() -> None:
    async with source(lambda _: httpx.Response(200, stream=Dripping(b"one\ntwo\n", breaks=True))) as ci:
        lines = ci.lines("GET", "log")
        assert await anext(lines) == [b"one", b"two"]
        with pytest.raises(SourceUnavailable, match="connection reset"):
            await anext(lines)


async def test_a_stream_that_is_refused_says_what_the_server_said() -> None:
    async with source(lambda _: httpx.Response(503, text="ring is unhealthy")) as ci:
        with pytest.raises(SourceUnavailable, match="503: ring is unhealthy"):
            async for _ in ci.lines("POST", "query", form={"query": "*"}):
                pass


async def test_a_token_with_a_line_end_is_sent_without_it() -> None:
    """`echo` writes one, and so do many editors."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json={})

    transport = httpx.MockTransport(answer)
    async with HttpSource("ci", BASE, headers={"Authorization": "Bearer s3cret\n"}, transport=transport) as ci:
        await ci.get("x")
    await send_once(
        "POST", BASE, headers={"Authorization": "Bearer s3cret\n"}, body={}, timeout_s=1, transport=transport
    )
    assert seen == ["Bearer s3cret"] * 2


@pytest.mark.parametrize("token", ["s3c\nret", "s3crét", "s3c\x00ret", "s3cret\r\nX-Admin: yes"])
async def test_a_token_that_no_header_may_hold_is_named_and_never_repeated(token: str) -> None:
    asked: list[httpx.Request] = []
    headers = {"Authorization": f"Bearer {token}"}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    transport = httpx.MockTransport(answer)
    async with HttpSource("ci", BASE, headers=headers, transport=transport, set_by="CI_TOKEN") as ci:
        with pytest.raises(SourceUnavailable, match=r"'Authorization' for ci .* look at CI_TOKEN") as refused:
            await ci.get("x")
    with pytest.raises(EffectFailed, match="'Authorization' for the server") as failed:
        await send_once("POST", BASE, headers=headers, body={}, timeout_s=1, transport=transport)
    assert "s3c" not in f"{refused.value} {failed.value}"
    assert asked == []


async def test_a_broken_header_from_a_token_file_is_not_repeated_in_what_people_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3c\nret")
    port = free_port()
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    async with server, HttpSource("ci", f"http://127.0.0.1:{port}", token_file=file) as ci:
        with pytest.raises(SourceUnavailable, match=f"look at the file {file}") as gap:
            await ci.get("x")
    assert "s3c" not in str(gap.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_url": "http://[::1"}, "The address of ci is none"),
        ({"base_url": "http://ci:port"}, "The address of ci is none"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "certificates of ci in /nowhere/ca.pem cannot be read: No such file"),
        ({"ca_file": Path(__file__)}, "certificates of ci in .* cannot be read"),
    ],
    ids=["no address", "no port", "no file", "no certificates"],
)
async def test_a_source_whose_settings_cannot_be_used_is_off_and_ends_nothing_else(
    given: dict[str, Any], said: str
) -> None:
    with capture_logs() as logs:
        async with HttpSource(**{"name": "ci", "base_url": BASE} | given) as ci:
            with pytest.raises(SourceUnavailable, match=said):
                await ci.get("x")
            with pytest.raises(SourceUnavailable, match=said):
                [part async for part in ci.lines("GET", "x")]
    assert [line["source"] for line in logs if line["event"] == "source.off"] == ["ci"]


async def test_an_address_that_is_none_sends_nothing() -> None:
    with pytest.raises(EffectFailed, match="Nothing was sent"):
        await send_once("POST", "http://[::1/x", headers={}, body={}, timeout_s=1)
    with pytest.raises(EffectFailed, match="Nothing was sent"):
        await send_once("POST", "gopher://x/1", headers={}, body={}, timeout_s=1)


async def test_a_token_is_read_from_its_file_for_every_request(tmp_path: Path) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={})

    token = tmp_path / "token"
    async with HttpSource("api", BASE, token_file=token, transport=httpx.MockTransport(answer)) as api:
        for written in ("first\n", "second"):
            token.write_text(written)
            await api.get("pods")
        token.unlink()
        with pytest.raises(SourceUnavailable, match=r"token file .* cannot be read"):
            await api.get("pods")
    assert seen == ["Bearer first", "Bearer second"]
