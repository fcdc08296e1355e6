"""A stack trace is one line: what was said, and what was raised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.stacks import headline

PYTHON = """settling failed
Traceback (most recent call last):
  File "pay.py", line 7, in settle
    connection.execute(UPDATE)
psycopg.errors.LockNotAvailable: canceling statement due to lock timeout"""

JAVA = """Request processing failed
java.lang.IllegalStateException: no stock
\tat shop.Stock.take(Stock.java:14)
Caused by: java.sql.SQLTransientConnectionException: pool - Connection is not available
\tat com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:197)
\t... 12 more"""

GO = """request failed
panic: runtime error: index out of range
goroutine 12 [running]:
main.main()"""


def test_a_python_trace_gives_its_exception() -> None:
    wanted = "settling failed | psycopg.errors.LockNotAvailable: canceling statement due to lock timeout"
    assert headline(PYTHON) == wanted


def test_a_bare_python_trace_is_its_exception() -> None:
    assert headline(PYTHON.partition("\n")[2]).startswith("psycopg.errors.LockNotAvailable")


def test_a_java_trace_gives_its_root_cause() -> None:
    assert headline(JAVA).endswith("| java.sql.SQLTransientConnectionException: pool - Connection is not available")


def test_a_go_panic_is_named() -> None:
    assert headline(GO) == "request failed | panic: runtime error: index out of range"


def test_further_lines_that_raise_nothing_are_left_out() -> None:
    assert headline("a list:\n one\n two") == "a list:"


@given(st.text(max_size=200))
def test_a_headline_is_one_line(text: str) -> None:
    assert "\n" not in headline(text)
