"""A brief: what matters now, within the budget, with sources."""

from __future__ import annotations

from collections.abc import Sequence

from bot.memory import Condensed, MemoryManager
from bot.models import Brief
from tests.integration.memory.talk import incident, said

HISTORY = [
    said("payments writes to payments_db through a pool of 20 connections", -5000),
    said("ran the ledger migration on payments_db, took a table lock", -4000),
    said("deployed payments v2.3, traffic moved over", -3000),
    said("restarted payments, no effect on the errors", -2000, user="ben"),
    said("ask maria about payments, she owns the ledger", -1000),
    said("the coffee machine is broken again", -900),
]


async def test_a_brief_goes_through_its_sections_in_order(memory: MemoryManager) -> None:
    await memory.remember([*HISTORY, said("payments looks bad to me", 55, user="cho")])
    brief = await memory.brief(incident(), "commander", 400)
    assert [line.section for line in brief.lines] == sorted(
        (line.section for line in brief.lines), key=["known", "tried", "changed", "people", "recent"].index
    )
    assert {line.section for line in brief.lines} == {"known", "tried", "changed", "people", "recent"}
    assert all(line.permalink for line in brief.lines)


async def test_a_brief_keeps_to_its_budget(memory: MemoryManager) -> None:
    await memory.remember(HISTORY)
    for budget in (1, 20, 60, 200):
        brief = await memory.brief(incident(), "database", budget)
        assert sum(len(f"{line.user}: {line.text}") / 4 for line in brief.lines) <= brief.tokens <= budget


async def test_each_role_gets_its_own_talk_first(memory: MemoryManager) -> None:
    await memory.remember(HISTORY)
    database = " ".join(line.text for line in (await memory.brief(incident(), "database", 35)).lines)
    metrics = " ".join(line.text for line in (await memory.brief(incident(), "metrics", 35)).lines)
    assert "migration" in database
    assert "deployed" not in database
    assert "deployed" in metrics
    assert "migration" not in metrics


async def test_what_has_nothing_to_do_with_it_is_left_out(memory: MemoryManager) -> None:
    await memory.remember(HISTORY)
    assert not [line for line in (await memory.brief(incident(), "metrics", 800)).lines if "coffee" in line.text]


async def test_of_the_nearest_thread_the_whole_talk_is_told_in_its_order(memory: MemoryManager) -> None:
    first = said("payments fails with 5xx, customers complain", -3000)
    replies = [
        said("one idle session holds the rows", -2990).model_copy(update={"thread": first.id}),
        said("ended it, the queue is gone", -2980).model_copy(update={"thread": first.id}),
    ]
    noise = [said(f"stand-up moves to half past {number}", -2994.5 + number) for number in range(30)]
    await memory.remember([first, *replies, *noise])
    told = [line.text for line in (await memory.brief(incident(), "commander", 400)).lines]
    assert [text for text in told if text in {first.text, replies[0].text, replies[1].text}] == [
        first.text,
        replies[0].text,
        replies[1].text,
    ]


async def test_of_the_nearest_talk_in_the_main_flow_the_whole_is_told_in_its_order(memory: MemoryManager) -> None:
    talk = [
        said("payments fails with 5xx, customers complain", -3000, user="ana"),
        said("ana: is it the pool again?", -2998, user="ben"),
        said("ben: no, an idle session holds the rows", -2995, user="ana"),
        said("ended it, all green", -2990, user="ana"),
    ]
    between = [said(f"stand-up moves to half past {number}", -2999.5 + 2 * number, user="eve") for number in range(5)]
    await memory.remember([*talk, *between])
    told = [line.text for line in (await memory.brief(incident(), "commander", 400)).lines]
    assert [text for text in told if text in {each.text for each in talk}] == [each.text for each in talk]


async def test_where_nothing_bears_on_the_incident_the_brief_is_empty(memory: MemoryManager) -> None:
    noise = ["lunch at noon?", "the coffee machine fails again", "errors happen, said the poet", "who is on leave?"]
    await memory.remember([said(text, -4000 + number * 100) for number, text in enumerate(noise)])
    brief = await memory.brief(incident(rule="ReplicationLag", service="orders-replica"), "database", 400)
    assert (brief.lines, brief.tokens, brief.considered) == ((), 0, 4)


async def test_every_line_says_where_it_was_said(memory: MemoryManager) -> None:
    await memory.remember(HISTORY)
    await memory.teach(HISTORY[0].text, "ana", HISTORY[0].sent_at, source=("C1", HISTORY[0].id))
    await memory.learn(incident(minute=-9000).model_copy(update={"id": "inc-0"}), permalink="https://x/card")
    lines = (await memory.brief(incident(), "commander", 800)).lines
    assert "https://x/card" in {line.permalink for line in lines}
    assert all(line.permalink for line in lines)


async def test_a_deploy_that_was_rolled_back_says_so(memory: MemoryManager) -> None:
    await memory.remember([said("deployed payments v2.3", -100), said("rolled back payments to v2.2", -80)])
    lines = (await memory.brief(incident(), "changes", 400)).lines
    deployed = next(line for line in lines if line.text.startswith("deployed"))
    assert deployed.superseded_by is not None
    assert "rolled back" in deployed.superseded_by


async def test_an_empty_memory_gives_an_empty_brief(memory: MemoryManager) -> None:
    brief = await memory.brief(incident(), "metrics", 400)
    assert (brief.lines, brief.tokens, brief.considered) == ((), 0, 0)


async def test_a_condensed_brief_says_more_in_the_same_budget_and_keeps_its_sources(memory: MemoryManager) -> None:
    class Terse:
        async def condense(self, brief: Brief, budget_tokens: int) -> Sequence[Condensed]:
            return [Condensed(text=line.text[:12], cites=(number,)) for number, line in enumerate(brief.lines)]

    await memory.remember(HISTORY)
    plain = await memory.brief(incident(), "commander", 60)
    terse = await memory.brief(incident(), "commander", 60, condenser=Terse())
    assert terse.tokens <= 60
    assert len(terse.lines) > len(plain.lines)
    assert all(line.permalink for line in terse.lines)
