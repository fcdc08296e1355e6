"""Log templates: lines that differ only in their figures and names fall together.

Drain (He et al., ICWS 2017, as drain3) groups masked lines. It is slow, and logs repeat: two memos stand in front of
it, one keyed by the line without its figures, one by the masked line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from drain3.drain import Drain, LogCluster, Node

SIMILARITY = 0.4
DEPTH = 4
MAX_TEMPLATES = 5000
CANDIDATES = 100
"""Templates that a line is compared with: logs without any repetition would cost milliseconds a line."""
FEW = 6
"""Templates that are sooner compared than looked up."""
MEMO_SIZE = 100_000
MAX_LINE = 1000
"""Characters of a line that decide its template."""
MAX_TOKENS = 80
ANYTHING = "<*>"
OTHER = 0
"""The template of everything that came after the limit of templates was reached."""

MASKS: tuple[tuple[str, str], ...] = (
    ("uuid", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    ("time", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"),
    ("str", r"\"(?:[^\"\\\n]|\\.)*\"|(?<![\w'])'(?:[^'\\\n]|\\.)*'(?!\w)"),
    ("ip", r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"),
    ("hex", r"\b0[xX][0-9a-fA-F]+\b|\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{7,}\b"),
    ("dur", r"(?<![\w.])(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+\b"),
    ("num", r"[-+]?\d+(?:[.,]\d+)*"),
)
"""Name and pattern of what is masked, in this order; the first that matches at a place wins."""

_MASK = re.compile(
    "(?=[0-9a-fA-F\"'+:-])(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in MASKS) + ")"
)  # the look ahead names every character that a mask can begin with: it halves the time
_IDENT = re.compile(rb"\b(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|(?=[a-fA-F]*[0-9])[0-9a-fA-F]{7,})\b")
_DIGITS = b"0123456789"


def mask(line: str) -> str:
    """The line with uuids, times, quoted strings, addresses, hex, durations and numbers replaced by their kind."""
    return _MASK.sub(_kind, line)


def _kind(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"


def fold(line: bytes) -> int:
    """A number for the line without its digits: lines of one template mostly share it, and it costs next to nothing."""
    return hash(line.translate(None, _DIGITS))


def without_idents(line: bytes) -> bytes:
    """The line without its uuids and hex words, whose letters vary as well."""
    return _IDENT.sub(b"", line)


class Templates:
    """Gives each line the number of its template. For one thread at a time.

    Args:
        max_templates: beyond it, new shapes are all `OTHER`.
        memo_size: entries of each memo generation; memory is bounded by twice that.
    """

    def __init__(self, *, max_templates: int = MAX_TEMPLATES, memo_size: int = MEMO_SIZE) -> None:
        self._drain: Any = _Drain(depth=DEPTH, sim_th=SIMILARITY)
        self._max_templates = max_templates
        self._folded = _Memo(memo_size)
        self._masked = _Memo(memo_size)
        self._alone: dict[str, int] = {}
        self._alone_by_number: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._drain.id_to_cluster) + len(self._alone)

    def add(self, line: str) -> int:
        """The number of the line's template; the template may still become more general."""
        line = line[:MAX_LINE]
        raw = line.encode("utf-8", "replace")
        number = self._folded.get(fold(raw))
        return self._of_folded(line, raw) if number is None else number

    def add_all(self, lines: Iterable[str]) -> list[int]:
        """The numbers of many lines."""
        return [self.add(line) for line in lines]

    def text(self, number: int) -> str:
        """The template as text, `<*>` where its lines differ."""
        if number == OTHER:
            return "(lines of further shapes)"
        if number < 0:
            return self._alone_by_number[number]
        return str(self._drain.id_to_cluster[number].get_template())

    def _of_folded(self, line: str, raw: bytes) -> int:
        """A line whose letters are new: without its idents it may be known. Lines with idents leave no key behind."""
        key = fold(without_idents(raw))
        number = self._folded.get(key)
        if number is None:
            number = self._of_masked(mask(line))
            self._folded.put(key, number)
        return number

    def _of_masked(self, masked: str) -> int:
        key = hash(masked)
        number = self._masked.get(key)
        if number is None:
            number = self._mined(masked.split(maxsplit=MAX_TOKENS)[:MAX_TOKENS])
            self._masked.put(key, number)
        return number

    def _mined(self, tokens: list[str]) -> int:
        if len(tokens) < DEPTH - 1:
            return self._exact(" ".join(tokens))
        if len(self) >= self._max_templates:
            found = self._drain.tree_search(self._drain.root_node, tokens)
            return int(found.cluster_id) if found is not None else OTHER
        cluster, _ = self._drain.add_log_message(" ".join(tokens))
        return int(cluster.cluster_id)

    def _exact(self, masked: str) -> int:
        """Lines too short for Drain's tree (drain3 loses their leaf) are their own template, below 0."""
        number = self._alone.get(masked)
        if number is None:
            if len(self) >= self._max_templates:
                return OTHER
            number = self._alone[masked] = -1 - len(self._alone)
            self._alone_by_number[number] = masked
        return number


class _Drain(Drain):  # type: ignore[misc]
    """Drain with leaves that know which of their templates hold a token, so that few need be compared with a line."""

    def add_seq_to_prefix_tree(self, root_node: Node, cluster: LogCluster) -> None:
        """Put a template into the tree as drain3 does, without going over all others of its leaf."""
        tokens = cluster.log_template_tokens
        node = root_node.key_to_child_node.setdefault(str(len(tokens)), Node())
        for token in tokens[: self.depth - 1]:
            node = self._child(node, token)
        if not isinstance(node.cluster_ids, _Leaf):
            node.cluster_ids = _Leaf()
        node.cluster_ids.add(cluster)

    def _child(self, node: Node, token: str) -> Node:
        """The way that a token goes; a node has so many children at most, and the last of them takes what is left."""
        children = node.key_to_child_node
        if token in children:
            return children[token]
        free = self.max_children - len(children) - (ANYTHING not in children)
        key = ANYTHING if self.has_numbers(token) or free <= 0 else token
        return children.setdefault(key, Node())

    def fast_match(self, cluster_ids: _Leaf, tokens: list[str]) -> Any:
        """The most similar template of a leaf, the newest of equals; None where none is similar enough."""
        return super().fast_match(cluster_ids.like(tokens, self.sim_th), tokens)


class _Leaf(list[int]):
    """The templates of one leaf, with an index by place and token.

    A template that shares `least` of a line's tokens has at least one of any `len(tokens) - least + 1` of them, so only
    the lists of the rarest so many need be looked at. A token that became `<*>` stays in the index: that costs a
    comparison and changes no result.
    """

    def __init__(self) -> None:
        super().__init__()
        self._holding: dict[tuple[int, str], list[int]] = {}

    def add(self, cluster: LogCluster) -> None:
        """A further template."""
        self.append(cluster.cluster_id)
        for place in enumerate(cluster.log_template_tokens):
            self._holding.setdefault(place, []).append(cluster.cluster_id)

    def like(self, tokens: list[str], similarity: float) -> list[int]:
        """Those that may share this part of the tokens, newest first."""
        if len(self) <= FEW:
            return self[::-1]
        least = max(1, math.ceil(similarity * len(tokens)))
        holding = sorted((self._holding.get(place, ()) for place in enumerate(tokens)), key=len)
        found: set[int] = set()
        for those in holding[: len(tokens) - least + 1]:
            found.update(those[-CANDIDATES:])
        return sorted(found, reverse=True)[:CANDIDATES]


class _Memo:
    """A map that forgets: when the young generation is full, it becomes the old one and the old one goes.

    Keys are 64-bit hashes, not lines: with 100,000 entries a collision is a matter of one in a billion, and memory
    does not depend on the length of lines.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def get(self, key: int) -> int | None:
        number = self._young.get(key)
        if number is None and (number := self._old.get(key)) is not None:
            self.put(key, number)
        return number

    def put(self, key: int, number: int) -> None:
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[key] = number
