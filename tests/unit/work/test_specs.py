"""What a drawing may name."""

from __future__ import annotations

from typing import Any

from bot.work.specs import RANK_FACTS, SHIPPED, shipped_specs
from bot.work.world import APPLY, RANK, facts_of
from tests.unit.work.histories import hypothesis


def test_every_agent_and_every_action_that_ships_can_be_drawn() -> None:
    specs = shipped_specs()
    assert {name.partition(".")[0] for name in specs} >= {"metrics", "logs", "database", "changes", "commander"}
    assert {action.name for action in SHIPPED} <= set(specs)


def test_only_actions_change_anything() -> None:
    changing = {name for name, spec in shipped_specs().items() if spec.changes}
    assert changing == {APPLY, *(action.name for action in SHIPPED)}


def test_what_a_branch_may_ask_about_the_ranking_is_what_the_ranking_gives() -> None:
    ranking: Any = shipped_specs()[RANK]
    assert set(facts_of(hypothesis())) == set(RANK_FACTS) == set(ranking.facts)
