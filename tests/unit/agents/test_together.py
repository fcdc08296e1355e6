"""The same question of several services is asked once, and each gets its own answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from bot.agents.exporters import RULES, Rule
from bot.agents.forms import Choice, of_one, of_several
from bot.agents.signals import Signal, shapes_of, signals_of
from bot.agents.together import MOST_TOGETHER, Batch, Question, batches
from bot.errors import BadInput
from bot.telemetry.series import Answer, Series

RATE_S = 60.0


def errors(service: str, chosen: Mapping[str, str] | None = None, codes: tuple[str, ...] = ("200", "500")) -> Question:
    """What is asked about a service's failures."""
    sets = [{"__name__": "http_requests_total", "code": code} for code in codes]
    signals = signals_of(service, shapes_of(sets), chosen or {"job": service})
    return Question(next(one for one in signals if one.kind == "error_rate"), RATE_S, [])


def query(batch: Batch) -> str:
    return batch.promql(batch.questions[0].signal.form)


def signal(choice: Mapping[str, str], metric: str = "process_resident_memory_bytes") -> Signal:
    return signals_of("any", shapes_of([{"__name__": metric}]), choice)[0]


def test_services_that_differ_in_one_label_share_a_query() -> None:
    (batch,) = batches([errors("web"), errors("pay")])
    assert query(batch).count("sum by (job) (rate(") == 3
    assert query(batch).count('job=~"pay|web"') == 3


def test_one_service_is_asked_as_a_person_would_ask() -> None:
    (batch,) = batches([errors("web")])
    assert query(batch) == errors("web").signal.over(RATE_S)
    assert "by (" not in query(batch)


def test_what_fails_in_other_words_is_asked_apart() -> None:
    assert len(batches([errors("web"), errors("pay", codes=("200", "503"))])) == 2


def test_labels_that_all_have_alike_stay_as_they_are() -> None:
    chosen = [{"namespace": "prod", "app": name} for name in ("web", "pay")]
    (batch,) = batches(
        [
            errors("web", chosen[0]),
            errors("pay", chosen[1]),
        ]
    )
    assert 'namespace="prod",app=~"pay|web"' in query(batch)
    assert len(batches([errors("web", chosen[0]), errors("web", {"namespace": "test", "app": "pay"})])) == 2


def test_many_services_are_asked_in_several_queries() -> None:
    sizes = [len(batch.questions) for batch in batches(errors(f"s{place}") for place in range(MOST_TOGETHER + 3))]
    assert sizes == [MOST_TOGETHER, 3]


def test_each_service_gets_its_own_part_of_the_answer_or_none() -> None:
    (batch,) = batches([errors("web"), errors("pay"), errors("bank")])
    series = [Series({"job": name}, np.array([0.0]), np.array([value])) for name, value in (("pay", 1.0), ("web", 2.0))]
    parts = [one.single for one in batch.parted(Answer("q", tuple(series)))]
    assert [part.last if part else None for part in parts] == [2.0, 1.0, None]


def test_a_name_from_outside_stays_a_name() -> None:
    hostile = 'x"} or vector(1) #{rate}'
    text = of_several(
        signal({"job": "web"}).form or (), [Choice.of({"job": hostile}), Choice.of({"job": "web"})], "job"
    )
    assert 'job=~"web|x\\"\\\\} or vector\\\\(1\\\\) #\\\\{rate\\\\}"' in text
    with pytest.raises(BadInput, match="cannot be a Prometheus label"):
        of_several(signal({"job": "web"}).form or (), [Choice.of({'a="': "b"}), Choice.of({'a="': "c"})], 'a="')


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.metric)
def test_what_exporters_tell_of_one_service_reads_the_same_in_both_ways(rule: Rule) -> None:
    assert of_one(rule.form, Choice.of({"job": "x"})) == rule.whole('job="x"')
