"""What could not be seen, in words."""

from __future__ import annotations

import pytest

from bot.models import Gap


@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [
        ("loki", "timed out", "loki: timed out"),
        ("prometheus", "Prometheus did not answer", "Prometheus did not answer"),
        ("loki at loki.test", "of search: loki at loki.test answered 500", "of search: loki at loki.test answered 500"),
        ("logs", "no line of logs-api", "logs: no line of logs-api"),
    ],
)
def test_a_gap_names_its_source_once(source: str, reason: str, words: str) -> None:
    assert Gap(source=source, reason=reason).words == words
