"""One OpenAI-compatible server: asked over HTTP, read tolerantly, retried where that is safe."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from bot.errors import SourceUnavailable
from bot.http import HttpSource, Transport
from bot.llm.chat import ChatReply, ChatRequest, OnText
from bot.llm.dialect import Dialect
from bot.llm.reading import Stream, reply_of
from bot.settings.model import ModelServer

PATH = "chat/completions"
LONGEST_WAIT_S = 10.0
"""A server that wants to be left alone for longer (`Retry-After`) is not waited for."""
LONGEST_CONNECT_S = 5.0
"""A server that cannot be reached costs that long, and not the time of an answer."""
MOST_WORDS_CHANGED = 5
"""How often one question is put in other words because the server refused these."""
REFUSED = frozenset({400, 404, 422, 500, 501})
"""With these a server may say that it does not know our words; small ones call that an error of their own."""
ADVICE = {
    401: "check NIGHTDESK_MODEL__KEY",
    403: "check what the key may do",
    404: "check NIGHTDESK_MODEL__URL and NIGHTDESK_MODEL__NAME",
}


class ChatClient:
    """Asks one server.

    Args:
        transport: in the place of the network, in tests.
    """

    def __init__(self, server: ModelServer, *, transport: Transport | None = None) -> None:
        self._timeout_s = server.timeout_s
        self._query = dict(server.query)
        self._dialects: dict[str, Dialect] = {}
        self._http = HttpSource(
            "the model server",
            server.url or "",
            headers=_credentials(server),
            timeout_s=server.timeout_s,
            connect_s=LONGEST_CONNECT_S,
            ca_file=server.ca_file,
            longest_wait_s=LONGEST_WAIT_S,
            set_by="NIGHTDESK_MODEL__KEY, or NIGHTDESK_MODEL__FALLBACK__KEY for the second one",
            advice=ADVICE,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def ask(self, request: ChatRequest, model: str, *, on_text: OnText | None = None) -> ChatReply:
        """The model's answer. One that broke off after it had begun is given as far as it came, not complete.

        Raises:
            SourceUnavailable: no answer within the time, a refusal, or nothing that can be read.
        """
        stream = Stream(request, model, on_text) if on_text else None
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._in_its_words(request, model, stream)
        except TimeoutError:
            if stream and stream.text:
                return stream.reply()
            raise SourceUnavailable(f"the model server did not answer within {self._timeout_s:g} s.") from None

    async def _in_its_words(self, request: ChatRequest, model: str, stream: Stream | None) -> ChatReply:
        """Ask; where the server does not take our words, learn its own and ask again."""
        for _ in range(MOST_WORDS_CHANGED):
            dialect = self._dialects.get(model, Dialect())
            try:
                return await self._asked(request, model, dialect, stream)
            except SourceUnavailable as refusal:
                other = dialect.adapted(str(refusal)) if refusal.status in REFUSED else None
                if other is None:
                    raise
                self._dialects[model] = other
        return await self._asked(request, model, self._dialects[model], stream)

    async def _asked(self, request: ChatRequest, model: str, dialect: Dialect, stream: Stream | None) -> ChatReply:
        if dialect.stream == "never" or (stream is None and dialect.stream == "as asked"):
            body = dialect.body(request, model, stream=False)
            reply = reply_of(await self._http.post(PATH, params=self._query, body=body), request, model)
            if stream:
                await stream.on_text(reply.text)
            return reply
        heard = stream or Stream(request, model, _to_nobody)
        try:
            await self._listen(heard, dialect.body(request, model, stream=True))
        except SourceUnavailable as failure:
            if heard.text:
                return heard.reply()
            if dialect.stream == "as asked" and _may_pass(failure):  # what is asked as a whole is asked again
                return await self._asked(request, model, replace(dialect, stream="never"), stream)
            raise
        return heard.reply()

    async def _listen(self, stream: Stream, body: dict[str, Any]) -> None:
        async with aclosing(self._http.lines("POST", PATH, params=self._query, body=body)) as pieces:
            async for lines in pieces:
                for line in lines:
                    if added := stream.take(line):
                        await stream.on_text(added)
                    if stream.over:
                        return


async def _to_nobody(_: str) -> None:
    """Of a server that only streams: nobody waits for the pieces."""


def _may_pass(failure: SourceUnavailable) -> bool:
    return failure.status is not None and (failure.status == 429 or failure.status >= 500)


def _credentials(server: ModelServer) -> dict[str, str]:
    if server.key is None:
        return {}
    key = server.key.get_secret_value()
    return {server.key_header: f"Bearer {key}" if server.key_header.casefold() == "authorization" else key}
