"""Uploaded files, in Slack's three steps: ask for a place, put the bytes there, say where they belong."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field

from bot.demo.workspace.people import TEAM_ID
from bot.demo.workspace.refusal import Json, Refusal


@dataclass
class File:
    """One file; `content` is None until the bytes have arrived."""

    id: str
    name: str
    length: int
    title: str
    alt: str = ""
    content: bytes | None = None
    shared_in: set[str] = field(default_factory=set)

    @property
    def mimetype(self) -> str:
        """As its name suggests."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def as_slack(self, base_url: str) -> Json:
        """The `file` object."""
        address = f"{base_url}/files-pri/{TEAM_ID}-{self.id}/{self.name}"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "alt_txt": self.alt,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2],
            "size": self.length,
            "url_private": address,
            "url_private_download": address,
            "permalink": address,
            "channels": sorted(self.shared_in),
        }


class Shelf:
    """The files of the workspace."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}

    def reserve(self, name: str, length: int, alt: str) -> File:
        """A place for a file of that size."""
        file = File(f"F0{len(self._files) + 1:06d}", name, length, title=name, alt=alt)
        self._files[file.id] = file
        return file

    def fill(self, id_: str, content: bytes) -> None:
        """Take the bytes.

        Raises:
            Refusal: `file_not_found`; `invalid_length` when they are not as many as announced.
        """
        file = self.find(id_)
        if len(content) != file.length:
            raise Refusal("invalid_length")
        file.content = content

    def find(self, id_: str) -> File:
        """That file. Raises: Refusal `file_not_found`."""
        if id_ not in self._files:
            raise Refusal("file_not_found")
        return self._files[id_]

    def drop(self, id_: str) -> None:
        """Forget the bytes; the id is never given again. Raises: Refusal `file_not_found`, `file_deleted`."""
        if self.find(id_).content is None:
            raise Refusal("file_deleted")
        self.find(id_).content = None

    def stored(self, id_: str) -> bool:
        """Whether the bytes of that file are here."""
        return id_ in self._files and self._files[id_].content is not None
