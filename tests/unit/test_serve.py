"""How the server listens."""

from __future__ import annotations

import asyncio
import socket

from bot.serve import listening


async def test_an_answer_in_two_parts_does_not_wait_for_an_acknowledgement_between_them() -> None:
    delayed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        delayed.set_result(not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(answer, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            assert not await delayed
            writer.close()
