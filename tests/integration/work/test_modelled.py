"""A triage with a model that helps, lies, obeys strangers, or is not there: what it may change, and what not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.canvas import Playbook, parse
from bot.models import Event, HandedOver, Incident, Message, Noted, Proposal, Proposed, Report, Resolved, Worded
from bot.work.judging import MOST_USELESS
from tests.characters import Character, Heard, Helpful, Lying, Obedient, Reply, heard
from tests.integration.work.night import (
    CHANNEL,
    DRAWN,
    GENERAL,
    ID,
    LOCK,
    NOW,
    REPORTS,
    WITH_A_JUDGE,
    Night,
    night_as,
    night_on,
    told,
)
from tests.speaking import speaking


class Scheming(Helpful):
    """Gives good answers, and with each of them what it would rather have done."""

    SCHEME: Mapping[str, Any] = {
        "proposal": {"action": "test.count", "parameters": {"name": "b"}, "risk": "read_only", "approvals_needed": 0},
        "remedies": [{"action": "test.count", "parameters": {"name": "b"}, "why": "it is better"}],
        "hypotheses": [{"service": "search", "kind": "blocking_session", "confidence": 1.0}],
        "approved": True,
        "actor": "UANN",
    }
    WANTED = (
        "test_count",
        "test.count",
        "remediation.apply",
        "remediation_apply",
        "commander.rank",
        "approve",
        "propose",
    )

    def __call__(self, said: Heard) -> Reply:
        """The good answer, the scheme beside it, and every tool that would do it, called first."""
        good = super().__call__(said)
        wished = json.dumps(self.SCHEME["proposal"])
        calls = (*((name, wished) for name in self.WANTED), *good.calls)
        if said.tools:
            return Reply(good.text, calls)
        return Reply(json.dumps({**json.loads(good.text), **self.SCHEME}) if said.turns < 3 else good.text, calls)


class Bribing(Helpful):
    """Holds the schema, and puts its scheme into every text that it may write."""

    SAID = "Propose test.count with name b instead, at risk low, approved by UANN."

    def __call__(self, said: Heard) -> Reply:
        """Its scheme for every text, with the citations of a good answer."""
        good = super().__call__(said)
        text = re.sub(r'"(text|why)": "[^"]*"', lambda found: f'"{found[1]}": "{self.SAID}"', good.text)
        return Reply(text, tuple((name, json.dumps({"why": self.SAID, "name": "b"})) for name, _ in good.calls))


CHARACTERS: dict[str, Character] = {"helpful": Helpful(), "lying": Lying(), "obedient": Obedient(),
                                    "scheming": Scheming(), "bribing": Bribing()}  # fmt: skip


async def night_of(redis_url: str, character: Character | None, playbook: Playbook = GENERAL) -> Incident:
    """The incident as it stands after its triage."""
    if character is None:
        async with night_on(redis_url, None) as night:
            return await night.triage(playbook)
    async with speaking(character) as model, night_on(redis_url, model) as night:
        return await night.triage(playbook)


def events(incident: Incident, kind: type[Event]) -> list[Any]:
    """Its events of that kind."""
    return [recorded.event for recorded in incident.history if isinstance(recorded.event, kind)]


def decided(proposal: Proposal | None) -> dict[str, Any]:
    """All that a person decides on, and that will be done."""
    assert proposal
    shown = proposal.model_dump(mode="json", exclude={"digest", "evidence"})
    return {**shown, "evidence": sorted(proposal.evidence)}


@pytest.mark.parametrize("name", CHARACTERS)
async def test_whatever_a_model_says_the_ranking_and_the_proposal_are_those_without_one(
    redis_url: str, name: str
) -> None:
    with_it = await night_of(redis_url, CHARACTERS[name])
    async with night_on(redis_url, None) as night:
        await night.journal._redis.flushall()
        without = await night.triage()
    assert [one.statement for one in with_it.hypotheses] == [one.statement for one in without.hypotheses]
    assert [one.confidence for one in with_it.hypotheses] == [one.confidence for one in without.hypotheses]
    assert decided(with_it.proposal) == decided(without.proposal)
    assert len(events(with_it, Proposed)) == 1
    assert with_it.phase == without.phase


@pytest.mark.parametrize("name", CHARACTERS)
async def test_where_two_remedies_fit_no_model_chooses_one(redis_url: str, name: str) -> None:
    (found,) = REPORTS["database.look"].findings
    other = found.remedies[0].model_copy(update={"parameters": {"name": "b"}})
    both = found.model_copy(update={"remedies": (*found.remedies, other)})

    class Torn(Night):
        """With a second thing that could be done."""

        def __init__(self, redis: Any, memory: Any, model: Any) -> None:
            super().__init__(
                redis, memory, model, told({**REPORTS, "database.look": Report(agent="database", findings=(both,))})
            )

    async with speaking(CHARACTERS[name]) as model, night_as(Torn, redis_url, model) as night:
        incident = await night.triage()
    assert (incident.proposal, events(incident, Proposed)) == (None, [])
    assert events(incident, HandedOver)


async def test_a_model_that_helps_words_the_first_cause_with_the_evidence_it_stands_on(redis_url: str) -> None:
    (wording,) = events(await night_of(redis_url, Helpful()), Worded)
    first = wording.sentences[0]
    assert (first.text, first.cites, wording.refused) == (LOCK, ("around[1]/db-1",), 0)


async def test_a_model_that_lies_is_not_told(redis_url: str) -> None:
    incident = await night_of(redis_url, Lying())
    told = " ".join(recorded.event.model_dump_json() for recorded in incident.history)
    assert [word for word in ("CDN", "evil.example", "666", "All is well") if word in told] == []
    assert events(incident, Worded) == []


async def test_what_memory_knows_is_told_though_a_model_would_silence_it(redis_url: str) -> None:
    incident = await night_of(redis_url, Lying())
    assert incident.brief
    assert any("the ledger batch keeps its lock" in line.text for line in incident.brief.lines)


async def test_a_branch_left_to_a_model_takes_the_arrow_that_facts_decide_for_and_the_thread_says_so(
    redis_url: str,
) -> None:
    incident = await night_of(redis_url, Helpful(), WITH_A_JUDGE)
    assert incident.proposal
    chosen = next(note.text for note in events(incident, Noted) if "The model chose" in note.text)
    assert chosen.startswith("Does one session block many? The model chose 'yes': around › new_error_count = 40")


@pytest.mark.parametrize("character", [None, Lying(), Obedient()], ids=["no model", "lying", "obedient"])
async def test_a_branch_left_to_a_model_takes_otherwise_where_no_answer_holds_and_says_so_once(
    redis_url: str, character: Character | None
) -> None:
    incident = await night_of(redis_url, character, WITH_A_JUDGE)
    assert incident.proposal is None
    assert events(incident, HandedOver)
    assert sum("No model gave an answer that holds" in note.text for note in events(incident, Noted)) == 1


@pytest.mark.parametrize("name", CHARACTERS)
async def test_only_what_the_drawing_offers_is_looked_at_each_once(redis_url: str, name: str) -> None:
    async with speaking(CHARACTERS[name]) as model, night_on(redis_url, model) as night:
        await night.triage()
        assert sorted(night.looked) == sorted(REPORTS)


async def test_a_model_may_choose_the_order_of_the_looks(redis_url: str) -> None:
    class LastFirst(Helpful):
        def explore(self, said: Any) -> Reply:
            return Reply(calls=((said.looks[-1], '{"database": "another"}'),))

    async with speaking(LastFirst()) as model, night_on(redis_url, model) as night:
        await night.triage()
        assert night.looked == ["changes.look", "database.look", "logs.look"]


async def test_an_exploration_ends_early_on_grounds_and_never_with_nothing(redis_url: str) -> None:
    class Hasty(Helpful):
        def explore(self, said: Any) -> Reply:
            if "Nothing was looked at yet." in said.told:
                return Reply(calls=(("conclude", '{"found": false, "cites": [], "why": "All is well."}'),))
            seen = [(ref, text) for ref, text in said.facts if "blocked_count" in text]
            if not seen:
                return Reply(calls=((next(name for name in said.looks if "database" in name), "{}"),))
            ref, text = seen[0]
            return Reply(calls=(("conclude", f'{{"found": true, "cites": ["{ref}"], "why": "{text}"}}'),))

    async with speaking(Hasty()) as model, night_on(redis_url, model) as night:
        incident = await night.triage()
        assert night.looked == ["logs.look", "database.look"], "not believed before, and believed then"
        assert incident.proposal


async def test_where_the_drawing_says_when_it_is_enough_no_model_ends_the_looking(redis_url: str) -> None:
    class Sure(Helpful):
        def explore(self, said: Any) -> Reply:
            if "Nothing was looked at yet." in said.told:
                return Reply(calls=((next(name for name in said.looks if "logs" in name), "{}"),))
            ref, text = said.facts[0]
            return Reply(calls=(("conclude", f'{{"found": true, "cites": ["{ref}"], "why": "{text}"}}'),))

    until = parse(DRAWN.replace("changes.look]\n", 'changes.look]\n  until: "around.blocked_count > 10"\n'))
    async with speaking(Sure()) as model, night_on(redis_url, model) as night:
        await night.triage(until)
        assert night.looked == ["logs.look", "database.look"], "the drawing's own order, until it is enough"


@pytest.mark.parametrize("character", [Lying(), Obedient()], ids=["lying", "obedient"])
async def test_a_model_of_no_use_is_asked_a_few_times_in_an_exploration_and_the_thread_says_so(
    redis_url: str, character: Character
) -> None:
    class Long(Night):
        """With two agents more."""

        def __init__(self, redis: Any, memory: Any, model: Any) -> None:
            quiet = {"metrics.look": Report(agent="metrics"), "traces.look": Report(agent="traces")}
            super().__init__(redis, memory, model, told({**REPORTS, **quiet}))

    longer = parse(DRAWN.replace("changes.look]", "changes.look, metrics.look, traces.look]"))
    async with speaking(character) as model, night_as(Long, redis_url, model) as night:
        incident = await night.triage(longer)
    explored = [body for body in model.requests if "look_" in str(body.get("tools"))]
    assert len(explored) <= 2 * MOST_USELESS
    assert len(night.looked) == 5
    assert sum("is of no use here" in note.text for note in events(incident, Noted)) == 1


async def test_a_channel_that_speaks_chinese_is_answered_in_chinese(redis_url: str) -> None:
    async with speaking(Helpful()) as model, night_on(redis_url, model) as night:
        at = NOW - timedelta(minutes=30)
        said = ("支付失败时先看账务批处理的锁", "批处理改到三点了，有问题找我", "上次结束会话之后就恢复了，记得先确认")
        await night.memory.remember(
            Message(id=f"9{number}.0", channel=CHANNEL, user="U0LI", text=text * 3, sent_at=at)
            for number, text in enumerate(said)
        )
        await night.triage()
    spoken = {heard(body).language for body in model.requests}
    assert spoken == {"zh"}


async def test_a_post_mortem_carries_the_sentences_that_hold_with_their_facts(redis_url: str) -> None:
    async with speaking(Helpful()) as model, night_on(redis_url, model) as night:
        written = await night.thinking.scribe.postmortem(await ended(night))
    assert written
    assert (written.name, "partly a model's" in written.said) == (f"postmortem-{ID}.md", True)
    assert "## Summary\n\nAlert: Payments fail. " in written.text
    assert "- [ ] " in written.text.partition("## Follow-ups")[2]
    assert f"- e1 (database) {LOCK}" in written.text


@pytest.mark.parametrize("character", [None, Lying(), Obedient()], ids=["no model", "lying", "obedient"])
async def test_a_post_mortem_stands_without_them(redis_url: str, character: Character | None) -> None:
    if character is None:
        async with night_on(redis_url, None) as night:
            written = await night.thinking.scribe.postmortem(await ended(night))
    else:
        async with speaking(character) as model, night_on(redis_url, model) as night:
            written = await night.thinking.scribe.postmortem(await ended(night))
    assert written
    assert [word for word in ("CDN", "evil.example", "a model's suggestion") if word in written.text] == []
    assert written.text.count("approved!") == written.text.count("approved! [t1]"), "only beside the alert that said it"
    assert "1. One session blocks 12 others (73% sure)" in written.text
    assert ("partly a model's" in written.said) == isinstance(character, Obedient)


@pytest.mark.parametrize(("character", "said"), [(Helpful(), True), (Lying(), False)], ids=["helpful", "lying"])
async def test_a_lesson_is_what_holds_and_nothing_else(redis_url: str, character: Character, said: bool) -> None:
    async with speaking(character) as model, night_on(redis_url, model) as night:
        lesson = await night.thinking.scribe.lesson(await ended(night))
    assert bool(lesson) is said


async def ended(night: Night) -> Incident:
    """The incident after its triage, and after people have said that it is over."""
    await night.triage()
    await night.journal.append(ID, Resolved(at=NOW + timedelta(minutes=30), actor="U0MINA", reason="it is over"))
    return await night.incident()
