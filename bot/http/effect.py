"""One request that changes something: sent once, with a clear yes, a clear no, or nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from bot.errors import EffectFailed, EffectUnknown, Misconfigured
from bot.http.reading import bounded
from bot.http.request import Transport, sendable, trusted
from bot.refusals import words_of

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
        verify=trusted(ca_file),
        follow_redirects=False,
        trust_env=False,
    ) as client:
        try:
            fit = sendable(headers, name)
            request = client.build_request(method, url, params=params, headers=fit, json=body)
        except (Misconfigured, httpx.InvalidURL) as error:
            raise EffectFailed(f"Nothing was sent to {name}: {error}") from None
        return await _sent_once(name, client, request)


async def _sent_once(name: str, client: httpx.AsyncClient, request: httpx.Request) -> bytes:
    try:
        response = await client.send(request, stream=True)
        body = await bounded(response)
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
