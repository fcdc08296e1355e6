"""Which version of a drawing a picture shows: written into the PNG, so that a picture that is out of date can be told.

The bytes of a picture depend on fonts and versions of the machine that drew it; what it shows does not.
PNG text chunks: https://www.w3.org/TR/png-3/#11tEXt
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

from bot.canvas.mermaid import write_chart
from bot.canvas.playbook import Playbook

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"nightdesk-drawing"
HEADER_ENDS = len(SIGNATURE) + 25
"""After the signature and IHDR, whose length is fixed."""


def version(playbook: Playbook) -> str:
    """The same as long as the picture would show the same."""
    return hashlib.sha256(write_chart(playbook.chart).encode()).hexdigest()[:32]


def stamped(png: bytes, playbook: Playbook) -> bytes:
    """The picture with the version of its drawing."""
    written = KEYWORD + b"\0" + version(playbook).encode()
    chunk = struct.pack(">I", len(written)) + b"tEXt" + written + struct.pack(">I", zlib.crc32(b"tEXt" + written))
    return png[:HEADER_ENDS] + chunk + png[HEADER_ENDS:]


def shows(png: bytes, playbook: Playbook) -> bool:
    """Whether the picture is of the drawing as it is now."""
    return any(text == KEYWORD + b"\0" + version(playbook).encode() for text in _texts(png))


def _texts(png: bytes) -> Iterator[bytes]:
    at = len(SIGNATURE) if png.startswith(SIGNATURE) else len(png)
    while at + 12 <= len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"tEXt":
            yield png[at + 8 : at + 8 + length]
        at += 12 + length
