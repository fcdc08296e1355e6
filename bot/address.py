"""Addresses that operators write: whoever shows one, checks one and connects to it must mean the same place."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""How a host ends that is an address: `127.1` and `2130706433` are some too, written as few people read them."""


def is_one_place(url: str) -> bool:
    """Whether everybody who reads the address comes to the same host.

    A user before it, a name in other letters, a percent sign or a backslash in the host, an address written as one
    number, an impossible port: what shows it, what checks it and what connects may each make something else of it.
    """
    if not url.isascii() or not url.isprintable() or set(url) & set(" \\"):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or port == 0:
        return False
    if "[" in parts.netloc or NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return _is_ip(host)
    return bool(HOST.fullmatch(host))


def _is_ip(host: str) -> bool:
    try:
        return bool(ip_address(host)) and "%" not in host
    except ValueError:
        return False
