"""A read-only source at one address."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from bot.characters import loads
from bot.errors import Misconfigured, SourceUnavailable
from bot.http.reading import MAX_ANSWER_BYTES, bounded, whole_lines
from bot.http.request import Transport, sendable, strays, trusted
from bot.refusals import words_of
from bot.unanswered import ADVICE, Failure, refusal, rest_asked_s, silence, unreadable

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 3.0
"""Whoever asks to be left alone for longer (`Retry-After`) is left alone: an agent has seconds, not minutes."""

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

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        try:
            token = self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceUnavailable(f"The token file {self._path} cannot be read: {error}") from None
        try:
            request.headers.update(sendable({"Authorization": f"Bearer {token}"}, self._name, f"the file {self._path}"))
        except Misconfigured as error:
            raise SourceUnavailable(str(error)) from None
        yield request


@dataclass(frozen=True)
class Page:
    """One answer of a source that answers in several."""

    body: Any
    next_path: str | None
    """Where the next page is, with its query, if there is one and it lies below the source's own address."""


class HttpSource:
    """A read-only source at one address. One whose settings cannot be used is unavailable, and ends nothing else.

    Args:
        name: how gaps name it, such as "prometheus".
        base_url: everything is asked below it.
        timeout_s: for one try.
        connect_s: for reaching it, where that is to take less.
        tries: how often in all, for network errors, 429 and 5xx.
        ca_file: the certificates that it is checked against, where they are not public ones.
        token_file: holds a bearer token; it is read for every request.
        longest_wait_s: who asks to be left alone for longer is left alone.
        set_by: what a person sets for the headers, such as NIGHTDESK_PROMETHEUS__TOKEN; said where one cannot be sent.
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
        set_by: str = "",
        advice: Mapping[int, str] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.name = name
        self._tries = tries
        self._longest_wait_s = longest_wait_s
        self._timeout_s = timeout_s
        self._advice = ADVICE if advice is None else advice
        self._off = ""
        try:
            self._client = httpx.AsyncClient(
                base_url=base_url.rstrip("/") + "/",
                headers=sendable(headers or {}, name, set_by),
                auth=_TokenFile(token_file, name) if token_file else None,
                timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, connect_s)),
                transport=transport,
                verify=trusted(ca_file),
                follow_redirects=False,
                trust_env=False,
            )
        except Misconfigured as error:
            self._turn_off(str(error))
        except OSError as error:
            self._turn_off(f"The certificates of {name} in {ca_file} cannot be read: {error.strerror or error}.")
        except httpx.InvalidURL:
            self._turn_off(f"The address of {name} is none: write it as https://host:port/path.")

    def _turn_off(self, why: str) -> None:
        """What is set for this source cannot be used: it alone is off, and whoever asks it is told why."""
        self._off = why
        self._client = httpx.AsyncClient(trust_env=False)
        log.warning("source.off", source=self.name, why=why)

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
                async with aclosing(whole_lines(response, max_bytes)) as parts:
                    async for part in parts:
                        yield part
        except httpx.HTTPError as error:
            raise SourceUnavailable(self._silence(error), reached=_reached(error)) from error
        except _Passing as error:
            raise SourceUnavailable(str(error), status=error.status) from None

    def _relative(self, path: str) -> str:
        """The path, if anything can be asked and it cannot lead away from the base address."""
        if self._off:
            raise SourceUnavailable(self._off, reached=False)
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
        body = await bounded(response)
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


_random_wait = wait_random_exponential(multiplier=0.1, max=2)


def _wait_s(state: RetryCallState) -> float:
    """As long as the server asks for, else a little longer each time."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, _Passing) else None
    return _random_wait(state) if asked is None else asked
