"""The catalogue in force: what its file says at this moment, not what it said when the process began."""

from __future__ import annotations

from pathlib import Path

import structlog

from bot.catalog import Catalog, load_catalog
from bot.documents import bytes_of, document_in, in_short
from bot.errors import Misconfigured, NotNow

log = structlog.get_logger(__name__)


class Register:
    """Reads the catalogue whenever it is asked for.

    A decision about who may approve is not made by a file that cannot be used. What stands on what is still told by the
    one that could be read last: an alert is grouped and looked into also while somebody edits.

    Args:
        file: `services.yaml`.

    Raises:
        Misconfigured: it cannot be used when the process begins.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        written = file.read_bytes() if file.is_file() else b""  # before it is parsed: an edit in between is seen later
        self._last = load_catalog(file)
        self._written = written
        self._told = ""

    def now(self) -> Catalog:
        """The catalogue for a decision.

        Raises:
            NotNow: it cannot be used, in a sentence for the thread.
        """
        try:
            return self._read()
        except Misconfigured as unusable:
            self._tell(unusable)
            raise NotNow(
                f"The service catalogue, which says who owns what, cannot be used now, so nothing can be approved "
                f"or run. {in_short(unusable)} It is read again at the next try; `nightdesk services check` says "
                "what to mend."
            ) from None

    def known(self) -> Catalog:
        """The catalogue for everything else: as it is, or as it was when it could be read last."""
        try:
            return self._read()
        except Misconfigured as unusable:
            self._tell(unusable)
            return self._last

    def _read(self) -> Catalog:
        written = bytes_of(self._file, whole="catalogue")
        if written != self._written:
            catalog = document_in(written, self._file, Catalog, whole="catalogue")
            if self._last.services and not catalog.services:
                raise Misconfigured(f"{self._file} names no service any more: it is cut off, or being written.")
            self._last, self._written = catalog, written
            log.info("catalogue.changed", file=str(self._file), services=len(catalog.services))
        self._told = ""
        return self._last

    def _tell(self, unusable: Misconfigured) -> None:
        """In the log, once for each fault."""
        if self._told != str(unusable):
            self._told = str(unusable)
            log.error("catalogue.unusable", why=self._told, mend="nightdesk services check")
