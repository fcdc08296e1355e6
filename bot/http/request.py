"""What may go into a request, and whom it may be sent to."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import httpx

from bot.errors import Misconfigured

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

Transport = httpx.AsyncBaseTransport
"""What a test puts in the place of the network."""


def strays(path: str) -> bool:
    """Whether the path is an address of its own, or climbs out of where it is asked below (percent-encoded or not)."""
    plain = unquote(unquote(path.partition("?")[0])).replace("\\", "/")
    return "://" in plain or plain.startswith("//") or ".." in plain.split("/")


def sendable(headers: Mapping[str, str], name: str, set_by: str = "") -> dict[str, str]:
    """The headers without the line end that a token's file or variable often has.

    Args:
        set_by: what a person sets for them.

    Raises:
        Misconfigured: one that cannot be sent; its value is not repeated.
    """
    bare = {header: value.strip() for header, value in headers.items()}
    for header, value in bare.items():
        if not _HEADER.fullmatch(header) or not value.isascii() or not value.isprintable():
            raise Misconfigured(
                f"The header {header!a} for {name} holds a line end or letters that no header may hold: "
                f"look at {set_by or 'the setting or the variable that its value comes from'}."
            )
    return bare


def trusted(ca_file: Path | None) -> ssl.SSLContext | bool:
    """What a server's certificate is checked against: that file's, else the public ones."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else True
