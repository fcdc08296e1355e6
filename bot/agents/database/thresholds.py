"""From where on something is worth a word, the same for every engine."""

from __future__ import annotations

LONG_TRANSACTION_S = 60.0
SLOW_STATEMENT_S = 10.0
SLOWER_THAN_USUAL = 4.0
"""Times that a statement may take longer than its mean before it counts as slower."""
NOTICEABLE_MS = 50.0
"""A statement that is still faster than this harms nobody by becoming slower."""
LARGE_ROWS = 10_000
"""Reading fewer rows from end to end is what a planner does for good reasons."""
CONNECTIONS_WELL_BELOW = 0.7
"""The share of connections in use from which on it deserves a look."""
ENOUGH_READS = 10_000
"""Reads below which a hit ratio means nothing."""
MISSES_ALLOWED = 0.05
"""The share of reads that a cache may always miss."""
REMEDY_FROM = 0.3
"""Below this score nothing is suggested."""
GIBIBYTE = 1 << 30
MEBIBYTE = 1 << 20
