"""Which playbook an alert gets, and the sentence that says why."""

from __future__ import annotations

import pytest

from bot.canvas import Playbook
from bot.canvas.matching import choose
from bot.errors import NotFound
from bot.models import Alert, AlertStatus, Severity
from tests.unit.canvas.worlds import drawn

ALERT = Alert(
    source="alertmanager",
    name="PaymentFailures",
    status=AlertStatus.FIRING,
    severity=Severity.CRITICAL,
    service="payments",
    labels={"tier": "backend", "region": "eu"},
    fingerprint="f1",
)


def named(name: str, match: str | None = None) -> Playbook:
    front = f"match: {match}\n" if match else ""
    playbook = drawn("a([Start]) --> e([End])", front=front)
    return Playbook(
        f"{name}.md", playbook.text, playbook.front.model_copy(update={"id": name, "title": f"Title of {name}"}),
        playbook.chart, {}, {}, playbook.places,
    )  # fmt: skip


GENERAL = named("general-triage")


@pytest.mark.parametrize(
    "match",
    [
        '{alertname: "Payment.*"}',
        "{alertname: [Nothing, PaymentFailures]}",
        "{service: payments}",
        "{severity: [high, critical]}",
        "{source: alertmanager}",
        '{labels: {tier: "back.*", region: eu}}',
        '{alertname: "Payment.*", service: payments, labels: {tier: backend}}',
    ],
)
def test_a_playbook_is_for_the_alerts_that_every_line_of_its_match_fits(match: str) -> None:
    assert choose([GENERAL, named("mine", match)], ALERT).playbook.id == "mine"


@pytest.mark.parametrize(
    "match",
    [
        '{alertname: "Payment"}',
        '{alertname: "Payment.*", service: ledger}',
        "{severity: warning}",
        "{labels: {team: x}}",
        "{}",
    ],
)
def test_one_line_that_does_not_fit_is_enough_for_the_general_triage(match: str) -> None:
    choice = choose([GENERAL, named("mine", match)], ALERT)
    assert choice.playbook is GENERAL
    assert choice.why == "No playbook matches PaymentFailures, so the general triage runs."


def test_the_service_of_the_catalogue_wins_over_the_alerts_own_word() -> None:
    mine = named("mine", "{service: payments-api}")
    assert choose([GENERAL, mine], ALERT, "payments-api").playbook is mine


def test_the_most_specific_wins_and_the_other_is_named() -> None:
    broad, narrow = (
        named("a-broad", "{alertname: 'Payment.*'}"),
        named("narrow", "{alertname: 'P.*', service: payments}"),
    )
    choice = choose([broad, narrow], ALERT)
    assert choice.playbook is narrow
    assert choice.why == (
        "'Title of narrow' was chosen for PaymentFailures: it is for alertname P.*; service payments. "
        "'Title of a-broad' fits as well, but says less."
    )


def test_a_plain_text_is_more_specific_than_a_pattern() -> None:
    plain = named("plain", "{alertname: PaymentFailures}")
    assert choose([named("any", "{alertname: 'Payment.*'}"), plain], ALERT).playbook is plain


def test_of_equals_the_first_by_name_is_taken_and_that_is_said() -> None:
    choice = choose([named("b", "{alertname: 'Pay.*'}"), named("a", "{alertname: 'Paym.*'}")], ALERT)
    assert choice.playbook.id == "a"
    assert choice.why.endswith("equally; the first by name was taken.")


def test_without_a_general_triage_it_is_said_what_to_add() -> None:
    with pytest.raises(NotFound, match=r"playbooks/general-triage\.md"):
        choose([], ALERT)
