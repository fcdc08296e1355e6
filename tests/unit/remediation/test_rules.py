"""The policy as people write it: read, checked, and never laxer than what is built in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.catalog import Catalog, Database, Owners, Service
from bot.errors import Misconfigured, RemediationError
from bot.models import Proposal, Risk
from bot.remediation.action import BlastRadius
from bot.remediation.explanation import explain
from bot.remediation.policy import Circumstances, Forbids, judge, rejudge
from bot.remediation.rules import Policy, faults, load_policy, read_policy
from bot.settings import RemediationSettings
from tests.integration.remediation.gate import a_proposal

NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
CATALOG = Catalog(
    services={
        "shop": Service(databases=("ledger",), owners=Owners(users=("UOWNER",))),
        "lab": Service(environment="staging"),
    },
    databases={"ledger": Database(dsn_env="A")},
)
ANN = RemediationSettings(approver_users=("UANN", "UBOB"))


def written(folder: Path, text: str) -> Policy:
    file = folder / "policy.yaml"
    file.write_text(text)
    return load_policy(file, ANN)


def case(subject: str | None = "lab", action: str = "test.act", base: Risk = Risk.LOW) -> Circumstances:
    services = (subject,) if subject in CATALOG.services else ()
    blast = BlastRadius(statement="x", services=services, reach="session")
    return Circumstances(
        action=action, at=NOW, base=base, blast=blast, reversible=True, confidence=0.9, subject=subject
    )


def test_the_example_is_sound_and_says_what_it_says() -> None:
    policy = read_policy(Path(__file__).parents[3] / "examples" / "policy.yaml")
    assert policy.tiers.high.reason
    assert policy.tiers.medium.requester is False


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("tiers: {high: {approvals: 1}}", "tiers.high.approvals"),
        ("tiers: {high: {requester: true}}", "tiers.high.requester"),
        ("tiers: {lwo: {}}", "tiers.lwo"),
        ("forbidden: [{action: x}]", "forbidden.0.why"),
        ("freezes: [{name: x, start: 2026-01-01T00:00:00, end: 2026-01-02T00:00:00Z}]", "freezes.0.start"),
        ("freezes: [{name: x, start: 2026-01-02T00:00:00Z, end: 2026-01-01T00:00:00Z}]", "ends after it starts"),
        ("standing: {most_tier: high}", "standing.most_tier"),
        ("standing: {most_days: 365}", "standing.most_days"),
        ("version: 2", "version"),
        ("[", "not readable YAML"),
    ],
)
def test_what_cannot_be_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(Misconfigured, match=place.replace(".", r"\.")):
        written(tmp_path, text)


def test_a_tier_says_how_many_how_long_and_whether_a_reason_is_needed(tmp_path: Path) -> None:
    policy = written(tmp_path, "tiers: {low: {approvals: 2, valid_for_s: 60, reason: true, requester: false}}")
    judgement = judge(case(), CATALOG, policy)
    assert (judgement.approvals_needed, judgement.valid_for_s) == (2, 60)
    assert (judgement.reason_needed, judgement.requester_may_approve) == (True, False)


def test_what_a_tier_does_not_say_is_as_the_settings_say(tmp_path: Path) -> None:
    judgement = judge(case(), CATALOG, written(tmp_path, "version: 1"))
    assert (judgement.approvals_needed, judgement.valid_for_s, judgement.reason_needed) == (1, 900, False)
    assert judgement.approver_users == ("UANN", "UBOB")


def test_a_tier_may_leave_the_owners_out_and_let_others_in(tmp_path: Path) -> None:
    policy = written(tmp_path, "tiers: {low: {owners: false, approvers: {groups: [SLEADS]}}}")
    judgement = judge(case("shop"), CATALOG, policy)
    assert (judgement.approver_users, judgement.approver_groups) == (("UANN", "UBOB"), ("SLEADS",))


@pytest.mark.parametrize(
    ("rule", "subject", "forbidden"),
    [
        ("{action: test.act, why: no}", "lab", True),
        ("{action: 'test.*', why: no}", "lab", True),
        ("{action: other.act, why: no}", "lab", False),
        ("{services: [shop], why: no}", "lab", False),
        ("{services: [shop], why: no}", "shop", True),
        ("{services: [shop], why: no}", "ledger", True),  # the shop's database
        ("{services: [shop], why: no}", None, True),  # nobody knows what it touches
        ("{services: [shop], why: no}", "shоp", True),  # a Cyrillic о: the catalogue has no such service
        ("{environments: [production], why: no}", "shop\u200b", True),
        ("{environments: [production], why: no}", "lab", False),
        ("{environments: [production], why: no}", "ledger", True),
        ("{from_tier: high, why: no}", "lab", False),
    ],
)
def test_what_is_forbidden_is_never_proposed(tmp_path: Path, rule: str, subject: str | None, forbidden: bool) -> None:
    policy = written(tmp_path, f"forbidden: [{rule}]")
    if forbidden:
        with pytest.raises(Forbids, match="Policy forbids it: no"):
            judge(case(subject), CATALOG, policy)
    else:
        judge(case(subject), CATALOG, policy)


FREEZE = "freezes: [{{name: Xmas, start: {start}, end: 2026-12-27T00:00:00Z, effect: {effect}}}]"


def test_a_freeze_makes_it_more_dangerous_or_forbids_it(tmp_path: Path) -> None:
    raising = written(tmp_path, FREEZE.format(start="2026-12-23T00:00:00Z", effect="raise"))
    judgement = judge(case(), CATALOG, raising)
    assert judgement.risk is Risk.MEDIUM
    assert judgement.reasons[-1] == "The change freeze 'Xmas' is on."
    forbidding = written(tmp_path, FREEZE.format(start="2026-12-23T00:00:00Z", effect="forbid"))
    with pytest.raises(Forbids, match="until 2026-12-27 00:00 UTC"):
        judge(case(), CATALOG, forbidding)
    before = case().model_copy(update={"at": NOW - timedelta(days=2)})
    assert judge(before, CATALOG, forbidding).risk is Risk.LOW


def proposed(at: datetime) -> Proposal:
    return a_proposal(service="lab", proposed_at=at, expires_at=at + timedelta(hours=1))


def test_a_freeze_that_begins_after_the_proposal_voids_it(tmp_path: Path) -> None:
    policy = written(tmp_path, FREEZE.format(start="2026-12-24T12:00:00Z", effect="raise"))
    with pytest.raises(Forbids, match="'Xmas' is on"):
        rejudge(proposed(NOW - timedelta(minutes=5)), NOW, CATALOG, policy)
    counted = proposed(NOW).model_copy(update={"risk_reasons": ("The change freeze 'Xmas' is on.",)})
    assert rejudge(counted, NOW + timedelta(minutes=9), CATALOG, policy)


def test_lint_names_whom_slack_cannot_know(tmp_path: Path) -> None:
    """A handle, a name, letters that only look like an id: nobody would be able to press the button."""
    policy = written(
        tmp_path,
        "approvers: {users: ['@mina', UANN], groups: [oncall]}\ntiers: {low: {approvers: {users: ['UАNN', '@mina']}}}",
    )
    found = list(faults(policy, CATALOG, frozenset({"test.act"})))
    assert [fault.partition("'")[2].partition("'")[0] for fault in found] == ["@mina", "oncall", "UАNN"]
    assert "is no id of a Slack user, such as U0MINA1234, so it is nobody" in found[0]
    assert "user group, such as S0ONCALL12" in found[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiers: {lwo: {}}", "tiers.lwo: there is no such name here; did you mean low?"),
        ("tiers: {low: {aprovals: 2}}", "tiers.low.aprovals: there is no such name here; did you mean approvals?"),
        ("forbidden: [{acton: x, why: no}]", "forbidden.0.acton: there is no such name here; did you mean action?"),
        ("tiers: {readonly: {}}", "did you mean read-only?"),
        ("zzz: 1", "zzz: there is no such name here"),
        ("tiers: {low: {", "not readable YAML: line 1, column 15: "),
        ("tiers: {}\ntiers: {}", "line 2, column 1: "),
    ],
)
def test_a_slip_is_told_with_its_place_and_what_was_meant(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as slip:
        written(tmp_path, text)
    assert said in str(slip.value)
    assert "unicode string" not in str(slip.value)


def test_lint_names_what_nothing_has_and_what_nobody_may_decide(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "forbidden: [{action: test.atc, services: [shpo], why: no}]\n"
        "tiers: {low: {owners: false, approvals: 3}}\n"
        "freezes: [{name: f, start: 2026-01-01T00:00:00Z, end: 2026-01-02T00:00:00Z, services: [nowhere]}]\n"
    )
    found = list(faults(load_policy(file, ANN), CATALOG, frozenset({"test.act"})))
    assert found == [
        "forbidden: no action is named 'test.atc'",
        "forbidden: the catalogue has no 'shpo'",
        "freeze 'f': the catalogue has no 'nowhere'",
        "tiers.low: needs 3 approvals, and only 2 may decide",
    ]


def test_an_explanation_tells_every_step_and_who_decides(tmp_path: Path) -> None:
    policy = written(tmp_path, "tiers: {high: {reason: true, approvers: {groups: [SLEADS]}}}")
    told = explain(case("shop", base=Risk.HIGH), CATALOG, policy)
    assert "high       The action by itself is of high risk." in told
    assert "2 different people must approve it." in told
    assert "Whoever asked for it may not be one of them." in told
    assert "An approval needs a written reason" in told
    assert "user UOWNER (owner), group SLEADS" in told
    assert "No standing approval may be granted" in told
    forbidding = written(tmp_path, "forbidden: [{why: nothing runs here}]")
    assert "It never runs. Policy forbids it: nothing runs here" in explain(case(), CATALOG, forbidding)
    nobody = load_policy(None, RemediationSettings())
    assert "It cannot be proposed. Nobody may approve this" in explain(case(), CATALOG, nobody)


def test_a_policy_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_policy(tmp_path / "none.yaml")


def test_a_proposal_that_nobody_may_decide_any_more_is_refused() -> None:
    with pytest.raises(RemediationError, match="Nobody may approve"):
        rejudge(proposed(NOW), NOW, CATALOG, load_policy(None, RemediationSettings()))
