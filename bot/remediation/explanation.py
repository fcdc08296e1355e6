"""`nightdesk policy explain`: how a decision about an action comes about, in words that an approver understands."""

from __future__ import annotations

from collections.abc import Iterator

from bot.catalog import Catalog
from bot.errors import RemediationError
from bot.models import Risk
from bot.remediation.policy import Circumstances, Forbids, Judgement, assess, judge, owners_of
from bot.remediation.rules import Policy


def explain(circumstances: Circumstances, catalog: Catalog, policy: Policy, *, assumed: str = "") -> str:
    """Each step to the risk, then who must decide, how, and for how long.

    Args:
        assumed: what of the circumstances nobody has said, in a sentence.
    """
    return "\n".join([*_lines(circumstances, catalog, policy), *([assumed] if assumed else [])])


def _lines(circumstances: Circumstances, catalog: Catalog, policy: Policy) -> Iterator[str]:
    about = f" on {circumstances.subject}" if circumstances.subject else ""
    yield f"{circumstances.action}{about}, at {circumstances.at:%Y-%m-%d %H:%M} UTC"
    steps = assess(circumstances, catalog, policy)
    for risk, reason in steps:
        yield f"  {risk.value:<9}  {reason}"
    yield f"So it is of {steps[-1][0].value} risk."
    try:
        judgement = judge(circumstances, catalog, policy)
    except Forbids as forbidden:
        yield f"It never runs. {forbidden}"
        return
    except RemediationError as nobody:
        yield f"It cannot be proposed. {nobody}"
        return
    yield from _decision(judgement)
    yield f"  Who: {_people(circumstances, judgement, catalog)}"
    yield f"  A proposal is valid for {judgement.valid_for_s:g} s."
    yield f"  {_standing(judgement.risk, policy)}"


def _decision(judgement: Judgement) -> Iterator[str]:
    many = judgement.approvals_needed
    yield f"  {'One person' if many == 1 else f'{many} different people'} must approve it."
    if many > 1:
        yield "  Whoever asked for it may not be one of them."
    elif not judgement.requester_may_approve:
        yield "  Whoever asked for it may not be the one."
    if judgement.reason_needed:
        yield "  An approval needs a written reason; so does every rejection."


def _people(circumstances: Circumstances, judgement: Judgement, catalog: Catalog) -> str:
    owned = owners_of(circumstances.subject, catalog)
    users = {user for owners in owned for user in owners.users}
    groups = {group for owners in owned for group in owners.groups}
    named = [
        *(f"user {user}{' (owner)' if user in users else ''}" for user in judgement.approver_users),
        *(f"group {group}{' (owner)' if group in groups else ''}" for group in judgement.approver_groups),
    ]
    return ", ".join(named)


def _standing(risk: Risk, policy: Policy) -> str:
    rules = policy.standing
    if risk is Risk.HIGH or rules.most_days == 0 or risk.rank > Risk(rules.most_tier).rank:
        return "No standing approval may be granted for it."
    return (
        f"After {rules.after_successes} verified successes in a row a standing approval may be granted, "
        f"for at most {rules.most_days} days."
    )
