"""Any JSON, mapped by expressions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.generic import parse
from bot.errors import BadInput, Misconfigured
from bot.models import Alert, AlertStatus, Severity
from tests.unit.alerts.payloads import payload

MAPPING = {
    "alerts": "events",
    "name": "check.title",
    "status": "state",
    "severity": "prio",
    "service": "where.app",
    "environment": "where.env",
    "labels": "tags",
    "starts_at": "since",
    "url": "link",
    "fingerprint": "to_string(check.id)",
}


def test_a_body_with_our_own_field_names_needs_no_mapping() -> None:
    assert parse(payload("generic/own-names")) == [
        Alert(
            source="generic",
            name="Backup failed",
            status=AlertStatus.FIRING,
            severity=Severity.HIGH,
            service="ledger",
            environment="staging",
            summary="The nightly backup stopped after 12 %",
            labels={"db": "ledger", "night": ""},
            annotations={"log": "disk full"},
            starts_at=datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC),
            url="https://backup.example.com/runs/8812",
            runbook_url="https://wiki.example.com/backup",
            fingerprint="backup-ledger",
            group_key="backups",
        )
    ]


def test_alerts_of_one_rule_are_told_apart_by_their_labels() -> None:
    etl, mail = parse(payload("generic/list"))

    assert (etl.status, mail.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert (etl.service, mail.service) == ("etl", "mail")
    assert etl.fingerprint != mail.fingerprint


def test_a_mapping_finds_every_field_where_it_says() -> None:
    problem, fine = parse(payload("generic/mapped"), MAPPING)

    assert (problem.name, problem.status, problem.severity) == ("Queue is long", AlertStatus.FIRING, Severity.HIGH)
    assert (problem.service, problem.environment, problem.fingerprint) == ("mailer", "production", "4711")
    assert problem.labels == {"queue": "out", "depth": "120"}
    assert problem.starts_at == datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)
    assert (fine.status, fine.severity, fine.starts_at, fine.url) == (AlertStatus.RESOLVED, None, None, None)


def test_with_a_mapping_only_mapped_fields_are_read() -> None:
    (alert,) = parse({"title": "Full", "severity": "critical", "url": "https://example.com"}, {"name": "title"})

    assert (alert.name, alert.severity, alert.url) == ("Full", None, None)


def test_a_constant_can_be_mapped() -> None:
    (alert,) = parse({"title": "Full"}, {"name": "title", "service": "'storage'"})

    assert alert.service == "storage"


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"name": "a", "titel": "b"}, "names titel; the fields are alerts, name"),
        ({"severity": "a"}, "no expression for 'name'"),
        ({"name": "a.[b"}, "'name' is not JMESPath"),
    ],
)
def test_a_mapping_that_cannot_work_is_the_operators_error(mapping: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured, match=said.replace("[", r"\[")):
        parse({}, mapping)


@pytest.mark.parametrize(
    ("body", "mapping", "said"),
    [
        ({"events": None}, {"name": "a", "alerts": "events"}, "where they should be is null"),
        ({"events": [{"a": "x"}, {}]}, {"name": "a", "alerts": "events"}, "alerts.1: the expression for 'name', 'a'"),
        ({"a": 1}, {"name": "join(',', a)"}, "'name' does not fit this body"),
        ({"a": "x", "b": 7}, {"name": "a", "labels": "b"}, "labels: an object with the labels"),
        ("text", {}, "where they should be is a string"),
        ({}, {}, "name: "),
    ],
)
def test_a_body_that_does_not_fit_its_mapping_is_refused(body: object, mapping: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse(body, mapping)
