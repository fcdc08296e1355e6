"""The one door to HTTP servers: httpx is imported here and nowhere else.

Every client is bound to one configured base address (no request leaves it, redirects are not followed), has
deadlines, retries what is safe to retry, and reads answers up to a size. What changes a server is sent once.
"""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import unquote

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from bot.characters import loads
from bot.errors import EffectFailed, EffectUnknown, Misconfigured, SourceUnavailable
from bot.refusals import words_of
from bot.unanswered import ADVICE, Failure, refusal, rest_asked_s, silence, unreadable

MAX_ANSWER_BYTES = 32_000_000
MAX_LINE_BYTES = 1_000_000
LONGEST_WAIT_S = 3.0
"""Whoever asks to be left alone for longer (`Retry-After`) is left alone: an agent has seconds, not minutes."""

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

Transport = httpx.AsyncBaseTransport
"""What a test puts in the place of the network."""


_NOT_BEGUN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
              httpx.LocalProtocolError)  # fmt: skip


class _Passing(Exception):
    """A failure that may be gone at the next try."""

    def __init__(
        self, message: str, wait_s: float | None = None, status: int | None = None, *, reached: bool = True
    ) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.status = status
        self.reached = reached


class _TokenFile(httpx.Auth):
    """A bearer token that lives in a file, where it may be renewed at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        try:
            token = self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceUnavailable(f"The token file {self._path} cannot be read: {error}") from None
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


@dataclass(frozen=True)
class Page:
    """One answer of a source that answers in several."""

    body: Any
    next_path: str | None
    """Where the next page is, with its query, if there is one and it lies below the source's own address."""


class HttpSource:
    """A read-only source at one address.

    Args:
        name: how gaps name it, such as "prometheus".
        base_url: everything is asked below it.
        timeout_s: for one try.
        connect_s: for reaching it, where that is to take less.
        tries: how often in all, for network errors, 429 and 5xx.
        ca_file: the certificates that it is checked against, where they are not public ones.
        token_file: holds a bearer token; it is read for every request.
        longest_wait_s: who asks to be left alone for longer is left alone.
        advice: status → what a person does about it, said with the error; where none is given, `bot.unanswered` knows.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        connect_s: float = math.inf,
        tries: int = 2,
        ca_file: Path | None = None,
        token_file: Path | None = None,
        longest_wait_s: float = LONGEST_WAIT_S,
        advice: Mapping[int, str] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.name = name
        self._tries = tries
        self._longest_wait_s = longest_wait_s
        self._timeout_s = timeout_s
        self._advice = ADVICE if advice is None else advice
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/",
            headers=_sendable(headers or {}, name),
            auth=_TokenFile(token_file) if token_file else None,
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, connect_s)),
            transport=transport,
            verify=_trusted(ca_file),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a GET.

        Raises:
            SourceUnavailable: no answer, an error status, too much, or not JSON.
        """
        return (await self.page(path, params)).body

    async def page(
        self, path: str, params: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Page:
        """The JSON answer to a GET, and where the next page of it is (RFC 8288, `Link: <…>; rel="next"`).

        Raises:
            SourceUnavailable: as `get`; the next page is at another address.
        """
        body, response = await self._json("GET", path, params=params, headers=headers)
        following = response.links.get("next", {}).get("url")
        return Page(body, self._below(response.url, following) if following else None)

    async def post(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """The JSON answer to a POST that only reads (queries too long for a URL).

        Raises:
            SourceUnavailable: as `get`.
        """
        answer, _ = await self._json("POST", path, params=params, data=form, json=body)
        return answer

    async def release(self, path: str, body: Any) -> None:
        """DELETE what reading has opened on the server, such as a search that is kept for its next page.

        Raises:
            SourceUnavailable: as `get`.
        """
        await self._json("DELETE", path, json=body)

    async def lines(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        body: Any = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> AsyncGenerator[list[bytes], None]:
        """The answer as it comes, in lists of whole lines; it ends after about `max_bytes`.

        What is behind the first `MAX_LINE_BYTES` of a line is dropped. Nothing is asked twice.

        Raises:
            SourceUnavailable: no answer, an error status, or an answer that broke off.
        """
        try:
            request = self._client.stream(method, self._relative(path), params=params, data=form, json=body)
            async with request as response:
                if response.status_code >= 300:
                    raise self._refusal(response, await self._read(response))
                async with aclosing(_whole_lines(response, max_bytes)) as parts:
                    async for part in parts:
                        yield part
        except httpx.HTTPError as error:
            raise SourceUnavailable(self._silence(error), reached=_reached(error)) from error
        except _Passing as error:
            raise SourceUnavailable(str(error), status=error.status) from None

    def _relative(self, path: str) -> str:
        """The path, if it cannot lead away from the base address."""
        if strays(path):
            raise SourceUnavailable(f"{self.name} was not asked: '{path[:100]}' leads away from its address.")
        return path.lstrip("/")

    def _below(self, page: httpx.URL, following: str) -> str:
        """The part of the URL behind the base address, so that credentials never leave for another host."""
        base = self._client.base_url
        try:
            url = page.join(following)
            host = url.host
        except (httpx.InvalidURL, UnicodeError):
            raise SourceUnavailable(f"{self.name} names no address where more is: it was not asked.") from None
        if (url.scheme, host, url.port) != (base.scheme, base.host, base.port) or not url.path.startswith(base.path):
            raise SourceUnavailable(f"{self.name} says that more is at another address, {host}: it was not asked.")
        return url.raw_path.decode("ascii").removeprefix(base.raw_path.decode("ascii"))

    async def _json(self, method: str, path: str, **request: Any) -> tuple[Any, httpx.Response]:
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(self._tries),
                wait=_wait_s,
                retry=retry_if_exception_type(_Passing),
                reraise=True,
            ):
                with attempt:
                    answer, response = await self._ask(method, path, **request)
        except _Passing as error:
            failure = SourceUnavailable(str(error), status=error.status, reached=error.reached)
            raise failure from error.__cause__
        try:
            return loads(answer), response
        except (ValueError, RecursionError):
            raise SourceUnavailable(unreadable(self.name, path, answer)) from None

    async def _ask(self, method: str, path: str, **request: Any) -> tuple[bytes, httpx.Response]:
        try:
            async with self._client.stream(method, self._relative(path), **request) as response:
                body = await self._read(response)
        except httpx.HTTPError as error:
            raise _Passing(self._silence(error), reached=_reached(error)) from error
        if response.status_code >= 300:
            raise self._refusal(response, body)
        return body, response

    def _silence(self, error: httpx.HTTPError) -> str:
        return silence(self.name, _failure(error), _words(error), self._timeout_s)

    def _refusal(self, response: httpx.Response, body: bytes) -> Exception:
        """What an error status means: to be tried again, or not."""
        wait_s = rest_asked_s(response.headers.get("retry-after", ""))
        rest_s = wait_s if wait_s is not None and wait_s > self._longest_wait_s else None
        words = words_of(body) if body.strip() else ""
        said = refusal(self.name, response.status_code, words, advice=self._advice, wait_s=rest_s)
        if rest_s is not None:
            return SourceUnavailable(said, status=response.status_code, wait_s=rest_s)
        if response.status_code == 429 or response.status_code >= 500:
            return _Passing(said, wait_s, response.status_code)
        return SourceUnavailable(said, status=response.status_code)

    async def _read(self, response: httpx.Response) -> bytes:
        body = await _bounded(response)
        if body is None:
            raise SourceUnavailable(f"{self.name} answered with more than {MAX_ANSWER_BYTES:,} bytes.")
        return body


def _words(error: httpx.HTTPError) -> str:
    """What the library says, where that tells more than what happened, and holds no secret."""
    if isinstance(error, httpx.LocalProtocolError):
        return type(error).__name__  # what h11 says of a header that it would not write holds its value: a token, maybe
    if isinstance(error, httpx.RemoteProtocolError):
        return "the connection was cut"
    if isinstance(error, _NOT_BEGUN) and str(error) in {"", "All connection attempts failed"}:
        return "no connection"
    return str(error).rstrip(".") or "the connection was cut"


def _failure(error: httpx.HTTPError) -> Failure:
    if isinstance(error, _NOT_BEGUN):
        return "untrusted" if "CERTIFICATE" in str(error) else "unreachable"
    return "late" if isinstance(error, httpx.TimeoutException) else "cut"


def _reached(error: httpx.HTTPError) -> bool:
    return not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)


def strays(path: str) -> bool:
    """Whether the path is an address of its own, or climbs out of where it is asked below (percent-encoded or not)."""
    plain = unquote(unquote(path.partition("?")[0])).replace("\\", "/")
    return "://" in plain or plain.startswith("//") or ".." in plain.split("/")


async def _bounded(response: httpx.Response) -> bytes | None:
    """The whole body, None if it is too large."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _whole_lines(response: httpx.Response, max_bytes: int) -> AsyncGenerator[list[bytes], None]:
    tail, size = b"", 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        *whole, tail = (tail[:MAX_LINE_BYTES] + chunk).split(b"\n")
        if whole:
            yield whole
        if size >= max_bytes:
            return
    if tail:
        yield [tail[:MAX_LINE_BYTES]]


_random_wait = wait_random_exponential(multiplier=0.1, max=2)


def _wait_s(state: RetryCallState) -> float:
    """As long as the server asks for, else a little longer each time."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, _Passing) else None
    return _random_wait(state) if asked is None else asked


SENT_ELSEWHERE_AFTERWARDS = frozenset({301, 302, 303})
"""307 and 308 ask for the same request again, so nothing was done; after these the answer lies elsewhere."""


async def send_once(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: Any,
    timeout_s: float,
    name: str = "the server",
    params: Mapping[str, Any] | None = None,
    ca_file: Path | None = None,
    transport: Transport | None = None,
) -> bytes:
    """Send one request that changes something; it is never repeated. Gives the body of a clear yes (2xx).

    Args:
        body: sent as JSON; None for none.
        name: how refusals name the server.
        ca_file: the certificates that it is checked against, where they are not public ones.

    Raises:
        EffectFailed: it did not leave, or the server refused it (any other status below 500).
        EffectUnknown: it left and no clear answer came.
    """
    async with httpx.AsyncClient(
        timeout=timeout_s,
        transport=transport,
        verify=_trusted(ca_file),
        follow_redirects=False,
        trust_env=False,
    ) as client:
        try:
            sendable = _sendable(headers, name)
            request = client.build_request(method, url, params=params, headers=sendable, json=body)
        except (Misconfigured, httpx.InvalidURL) as error:
            raise EffectFailed(f"Nothing was sent to {name}: {error}") from None
        return await _sent_once(name, client, request)


async def _sent_once(name: str, client: httpx.AsyncClient, request: httpx.Request) -> bytes:
    try:
        response = await client.send(request, stream=True)
        body = await _bounded(response)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise EffectFailed(f"The request to {name} did not leave: {error}") from error
    except httpx.UnsupportedProtocol as error:
        raise EffectFailed(f"Nothing was sent to {name}: {error}") from None
    except httpx.HTTPError as error:
        raise EffectUnknown(f"The request to {name} left, but no answer came: {type(error).__name__}") from error
    if response.status_code >= 500 or body is None:
        raise EffectUnknown(f"{name} answered {response.status_code}; it may have acted.")
    if response.status_code in SENT_ELSEWHERE_AFTERWARDS:
        raise EffectUnknown(f"{name} answered {response.status_code}: many a server acts and then redirects.")
    if response.status_code >= 300:
        raise EffectFailed(f"{name} refused with {response.status_code}: {words_of(body)}")
    return body


def _sendable(headers: Mapping[str, str], name: str) -> dict[str, str]:
    """The headers without the line end that a token's file or variable often has.

    Raises:
        Misconfigured: one that cannot be sent; its value is not repeated.
    """
    bare = {header: value.strip() for header, value in headers.items()}
    for header, value in bare.items():
        if not _HEADER.fullmatch(header) or not value.isascii() or not value.isprintable():
            raise Misconfigured(
                f"The header {header!a} for {name} holds a line end or letters that no header may hold: "
                "look at the setting or the variable that its value comes from."
            )
    return bare


def _trusted(ca_file: Path | None) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=ca_file) if ca_file else True
