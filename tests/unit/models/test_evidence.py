"""What could not be seen, in words."""

from __future__ import annotations

import pytest

from bot.models import Gap
from bot.models.evidence import unseen


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


def test_questions_that_failed_in_the_same_way_are_told_in_one_sentence() -> None:
    down = "prometheus did not answer: no connection"
    gaps = [Gap(source="prometheus", reason=f"{of}: {down}") for of in ("checkout", "payments")]
    alone = Gap(source="loki", reason="of checkout: loki answered 429: slow down")
    assert unseen([*gaps, alone, alone]) == [f"{down} – 2 questions are unanswered", alone.reason]
