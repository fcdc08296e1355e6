"""An allowed request, as it arrives at a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from bot.catalog import Catalog
from bot.errors import EffectFailed, EffectUnknown, PreconditionFailed, RemediationError
from bot.remediation.http_call import CallParameters, HttpCall
from bot.settings import HttpCallTemplate
from tests.servers.process import free_port

PARAMETERS = {"call": "drain", "parameters": {"service": "pay ments", "reason": 'a"b'}}


@dataclass
class Received:
    """What the server was sent, and what it answers."""

    port: int
    status: int = 200
    location: str = "http://127.0.0.1:1/elsewhere"
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Received]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.requestline, dict(self.headers), json.loads(body)))
            self.send_response(received.status)
            self.send_header("Location", received.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Received(listening.server_port)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield received
    listening.shutdown()
    thread.join()
    listening.server_close()


def drain(port: int) -> HttpCall:
    template = HttpCallTemplate(
        url=f"http://127.0.0.1:{port}/services/{{service}}/drain",
        headers={"Authorization": SecretStr("Bearer hunter2")},
        parameters={"service": "[a-z ]+", "reason": ".+"},
        body={"reason": "{reason}"},
        effect="Traffic of {service} is drained.",
    )
    return HttpCall(Catalog(), {"drain": template})


async def test_the_request_arrives_once_with_its_key_and_its_secret(server: Received) -> None:
    action = drain(server.port)
    outcome = await action.perform(action.accept(PARAMETERS), "incident-1.p1")
    ((line, headers, body),) = server.requests
    assert line == "POST /services/pay%20ments/drain HTTP/1.1"
    assert headers["Idempotency-Key"] == "incident-1.p1"
    assert headers["Authorization"] == "Bearer hunter2"
    assert body == {"reason": 'a"b'}
    assert outcome == f"POST http://127.0.0.1:{server.port}/services/pay%20ments/drain was accepted."


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, EffectFailed),
        (301, EffectUnknown),
        (302, EffectUnknown),
        (303, EffectUnknown),
        (307, EffectFailed),
        (308, EffectFailed),
        (503, EffectUnknown),
    ],
)
async def test_a_refusal_is_told_from_a_doubt_and_nothing_is_repeated(
    status: int, error: type[Exception], server: Received
) -> None:
    server.status = status
    action = drain(server.port)
    with pytest.raises(error):
        await action.perform(action.accept(PARAMETERS), "key")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed_nowhere_and_takes_no_secret_along(status: int, server: Received) -> None:
    """The allowed server sends the order on to another one, which would get the token and the order."""
    server.status, server.location = status, f"http://127.0.0.1:{server.port}/admin/delete-everything"
    action = drain(server.port)
    with pytest.raises(RemediationError):
        await action.perform(action.accept(PARAMETERS), "key")
    assert [line for line, _, _ in server.requests] == ["POST /services/pay%20ments/drain HTTP/1.1"]


async def test_a_request_that_cannot_leave_has_failed() -> None:
    action = drain(free_port())
    with pytest.raises(EffectFailed, match="did not leave"):
        await action.perform(action.accept(PARAMETERS), "key")


async def test_parameters_that_were_never_accepted_are_refused_at_the_last_moment(server: Received) -> None:
    smuggled = CallParameters(call="drain", parameters={"service": "../admin", "reason": "x"})
    with pytest.raises(PreconditionFailed, match="Nothing was sent"):
        await drain(server.port).perform(smuggled, "key")
    assert server.requests == []
