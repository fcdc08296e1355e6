"""Of the same look made twice, the later one counts where it tells of the same."""

from __future__ import annotations

from bot.models import Finding, Found, Gap
from bot.models.looks import standing
from tests.unit.slack.stories import looked

QUIET, LOUD = looked("changes", score=0.0), looked("changes", score=0.6)
ANSWER = looked("changes", score=0.4, asked_by="metrics")


def scores(*reports: Found) -> list[float]:
    return [finding.score for finding in standing(reports)[0]]


def test_what_was_found_quiet_is_replaced_by_whatever_the_same_look_finds_later() -> None:
    assert scores(QUIET, LOUD) == [0.6]
    assert scores(QUIET, QUIET) == [0.0]


def test_what_was_found_amiss_stays_when_it_is_well_again_later() -> None:
    assert scores(LOUD, QUIET) == [0.6, 0.0]


def test_an_answer_that_knows_more_replaces_what_the_first_look_said_of_the_same() -> None:
    assert scores(LOUD, ANSWER) == [0.4]
    other = [one.model_copy(update={"service": "bank"}) for one in LOUD.findings]
    assert scores(LOUD.model_copy(update={"findings": tuple(other)}), ANSWER) == [0.6, 0.4], "that of another service"


def test_another_look_replaces_nothing_and_neither_does_one_that_finds_out_nothing() -> None:
    assert scores(QUIET, looked("metrics", score=0.6)) == [0.0, 0.6]
    gone: tuple[Finding, ...] = ()
    assert scores(QUIET, ANSWER.model_copy(update={"findings": gone})) == [0.0]
    unnamed = QUIET.model_copy(update={"look": ""})
    assert scores(unnamed, LOUD.model_copy(update={"look": ""})) == [0.0, 0.6]


def test_what_could_not_be_seen_at_first_and_could_later_is_no_gap_any_more() -> None:
    gaps = (Gap(source="github", reason="answered 503"),)
    blind = QUIET.model_copy(update={"gaps": gaps})
    assert standing([blind, ANSWER])[1] == ()
    assert standing([QUIET, ANSWER.model_copy(update={"gaps": gaps})])[1] == gaps
