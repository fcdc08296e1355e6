"""Connection strings, which hold passwords and so must never be quoted."""

from __future__ import annotations


def torn(dsn: str) -> bool:
    """Whether a parser would take it apart at the wrong place.

    A password with an unencoded '@' or '/' does that: its rest becomes the host or the port that a later error names.
    """
    rest = dsn.partition("://")[2]
    return rest.count("@") > 1 or ("@" in rest and "/" in rest.partition("@")[0])
