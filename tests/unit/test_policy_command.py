"""`nightdesk policy lint|explain`, as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.errors import BadInput, Misconfigured, RemediationError
from bot.models import Risk
from bot.policy_command import explanation, lint
from bot.settings import RemediationSettings, Settings

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 25, 19, 35, tzinfo=UTC)


@pytest.fixture
def settings() -> Settings:
    """The examples that ship."""
    remediation = RemediationSettings(policy_file=ROOT / "examples" / "policy.yaml")
    return Settings(services_file=ROOT / "examples" / "services.yaml", remediation=remediation)


def explained(settings: Settings, action: str = "kubernetes.roll_back", **said: Any) -> str:
    plain: dict[str, Any] = {
        "parameters": None, "service": "checkout", "risk": Risk.MEDIUM, "reach": "service", "reversible": False,
        "confidence": 0.9, "at": AT,
    }  # fmt: skip
    return explanation(settings, action, **{**plain, **said})


def test_the_papers_show_what_it_says(settings: Settings) -> None:
    written = (ROOT / "docs" / "policy.md").read_text()
    assert explained(settings) in written


def test_what_nobody_has_said_is_named(settings: Settings) -> None:
    *_, assumed = explained(settings, reversible=True, reach="unknown", confidence=0.3, risk=Risk.LOW).splitlines()
    assert assumed.startswith(
        "Taken for granted: it is of low risk by itself, nobody can tell how far it reaches, it can be undone, and the "
        "cause is 30% sure."
    )


def test_what_the_action_itself_says_is_not_taken_for_granted(settings: Settings) -> None:
    given = '{"database": "orders-db", "pid": 7, "backend_start": "2026-11-25T19:00:00Z"}'
    said = explained(settings, "postgres.cancel_query", parameters=given)
    assert "Taken for granted" not in said
    assert "on orders-db" in said


def test_an_action_that_does_not_exist_is_told_with_the_nearest_one(settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"'kubernetes.rollback'; did you mean kubernetes.roll_back\? There are: awx"):
        explained(settings, "kubernetes.rollback")


def test_a_service_that_does_not_exist_is_told_with_those_that_do(settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"has no 'chekout'\. There are: .*checkout"):
        explained(settings, service="chekout")


@pytest.mark.parametrize("given", ["[1", "[]", "7", "{'a': 1}"])
def test_parameters_that_are_no_object_are_told(settings: Settings, given: str) -> None:
    with pytest.raises(BadInput, match="parameters are"):
        explained(settings, "postgres.cancel_query", parameters=given)


def test_parameters_that_the_action_does_not_take_are_named(settings: Settings) -> None:
    with pytest.raises(RemediationError, match="database: Field required"):
        explained(settings, "postgres.cancel_query", parameters='{"a": 1}')


def test_who_asked_may_not_be_the_one_where_one_is_enough(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("approvers: {users: [UANN]}\ntiers: {medium: {requester: false}, high: {requester: false}}")
    alone = settings.model_copy(update={"remediation": RemediationSettings(policy_file=file)})
    said = explained(alone, service=None, reach="session")
    assert "One person must approve it.\n  Whoever asked for it may not be the one." in said


def test_a_sound_policy_is_told_by_what_it_holds(settings: Settings) -> None:
    said, code = lint(settings, None)
    assert (said, code) == (f"{settings.remediation.policy_file}: sound, 2 prohibitions, 1 freeze", 0)


def test_each_fault_has_a_line(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "approvers: {users: ['@mina']}\nforbidden: [{action: 'kubrenetes.*', services: [chekout], why: no}]"
    )
    said, code = lint(settings, file)
    assert code == 1
    assert said.splitlines()[0] == f"{file}: 3 problems"
    assert "no action is named 'kubrenetes.*'" in said
    assert "the catalogue has no 'chekout'" in said
    assert "'@mina' is no id of a Slack user" in said


def test_a_file_that_is_not_there_is_told(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"none\.yaml cannot be read: No such file or directory"):
        lint(settings, tmp_path / "none.yaml")
