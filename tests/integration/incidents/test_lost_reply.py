"""Redis carries a command out and its answer is lost on the way: the client asks again, and nothing is mistaken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from bot.incidents import Journal
from bot.models import Noted, Phase
from bot.remediation.execution import Execution
from bot.storage import connect
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Gate, open_gate


class Lossy:
    """A TCP proxy that breaks the connection instead of carrying one answer back."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self.lose: bytes = b""
        """The next answer to a request that holds these bytes is lost."""
        self.lost = 0

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        with suppress(ConnectionError):
            while request := await reader.read(65_536):
                inner_writer.write(request)
                answer = await inner_reader.read(65_536)
                if self.lose and self.lose in request:
                    self.lose, self.lost = b"", self.lost + 1
                    break
                writer.write(answer)
        inner_writer.close()
        writer.close()


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    async with open_gate(redis_url) as gate:
        yield gate


@pytest.fixture
async def lossy(redis_url: str) -> Lossy:
    return Lossy(urlsplit(redis_url).port or 0)


async def test_an_approval_whose_answer_was_lost_is_an_approval(gate: Gate, lossy: Lossy) -> None:
    await gate.propose()
    async with lossy.standing() as url, connect(url) as redis:
        journal = Journal(redis)
        await journal.append(INCIDENT, Noted(at=NOW, text="the script is known to the server now"))
        lossy.lose = b"second note"
        recorded = await journal.append(INCIDENT, Noted(at=NOW, text="second note"))
    assert lossy.lost == 1
    assert recorded is not None
    assert [one.id for one in await gate.journal.history(INCIDENT)][-1] == recorded.id
    assert (await gate.kinds()).count("note") == 2


async def test_an_execution_whose_answer_was_lost_is_no_unknown_outcome(gate: Gate, lossy: Lossy) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
    async with lossy.standing() as url, connect(url) as redis:
        lossy.lose = b'"kind":"executing"'
        execution = Execution(
            redis, Journal(redis), gate.actions, lambda: gate.now, owner="w", warrant=gate.approvals.doubt
        )
        assert await execution.run(PROPOSAL) is None
    assert lossy.lost == 1
    assert ((await gate.incident()).phase, await gate.effects()) == (Phase.VERIFYING, 1)


async def test_a_lease_whose_answer_was_lost_is_held(gate: Gate, lossy: Lossy) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
    async with lossy.standing() as url, connect(url) as redis:
        lossy.lose = b"nd:lease:"
        execution = Execution(
            redis, Journal(redis), gate.actions, lambda: gate.now, owner="w", warrant=gate.approvals.doubt
        )
        assert await execution.run(PROPOSAL) is None
    assert (lossy.lost, await gate.effects()) == (1, 1)
