"""A server that actions change: read as any source is, and changed by one request that is never repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.address import is_one_place
from bot.errors import EffectFailed, EffectUnknown, Misconfigured
from bot.http import HttpSource, Transport, send_once, strays


class HttpTarget:
    """A JSON server at one address.

    Args:
        name: how refusals name it.
        authorization: the header of that name, as it stands.
        ca_file: the certificates that it is checked against, where they are not public ones.

    Raises:
        Misconfigured: an address that may be read in two ways.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        authorization: str,
        timeout_s: float,
        ca_file: Path | None = None,
        transport: Transport | None = None,
    ) -> None:
        if not is_one_place(base_url):
            raise Misconfigured(f"The address of {name} must be one absolute address in plain letters, without a user.")
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": authorization, "Accept": "application/json"}
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self._transport = transport

    async def read(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a GET.

        Raises:
            SourceUnavailable: as `HttpSource.get`.
        """
        async with HttpSource(
            self.name,
            self._base_url,
            headers=self._headers,
            timeout_s=self._timeout_s,
            ca_file=self._ca_file,
            transport=self._transport,
        ) as source:
            return await source.get(path, params)

    async def change(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        params: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Send one request that changes something; it is never repeated. Gives the JSON answer, None for an empty one.

        Raises:
            EffectFailed: it did not leave, or the server refused it.
            EffectUnknown: it left and no clear answer came.
        """
        if strays(path):
            raise EffectFailed(f"Nothing was sent: '{path[:100]}' leads away from {self.name}.")
        answer = await send_once(
            method,
            f"{self._base_url}/{path.lstrip('/')}",
            headers={**self._headers, "Content-Type": content_type},
            body=body,
            timeout_s=self._timeout_s,
            name=self.name,
            params=params,
            ca_file=self._ca_file,
            transport=self._transport,
        )
        try:
            return json.loads(answer) if answer.strip() else None
        except ValueError:
            raise EffectUnknown(f"{self.name} took the request and answered with something that is not JSON.") from None
