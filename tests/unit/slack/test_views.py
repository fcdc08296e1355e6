"""What people read in the thread."""

from __future__ import annotations

import json

import pytest

from bot.errors import BadInput
from bot.models import (
    SAME_ALERT,
    AlertJoined,
    AlertStatus,
    BriefLine,
    Endorsed,
    Executed,
    Executing,
    Expired,
    Found,
    HandedOver,
    Hypothesis,
    Noted,
    NotExecuted,
    OutcomeUnknown,
    Phase,
    Ranked,
    Reopened,
    Risk,
    Severity,
)
from bot.slack.blocks import Block, Post
from bot.slack.views import modal, words
from bot.slack.views.brief import quoted
from bot.slack.views.card import card
from bot.slack.views.proposal import button_value, proposal
from bot.slack.views.thread import message, next_turn
from tests.unit.slack import stories

ABOUT = {"proposal_id": "NDK4:p1"}


def read(shown: Post | None) -> str:
    """Everything the message says."""
    assert shown is not None
    return json.dumps([shown.text, list(shown.blocks)], ensure_ascii=False)


def last_message(*events: object) -> Post | None:
    of = stories.incident([*stories.until_proposed(), *events])  # type: ignore[list-item]
    return message(next_turn(of.history[-1:]), of, {})


def buttons(shown: Post) -> list[Block]:
    return [element for block in shown.blocks if block["type"] == "actions" for element in block["elements"]]


def test_every_phase_grade_and_risk_has_an_emoji_and_a_word() -> None:
    assert set(words.PHASES) == set(Phase)
    assert set(words.SEVERITIES) == set(Severity)
    assert set(words.RISKS) == set(Risk)
    assert all(word.startswith(":") and word.partition(": ")[2] for word in words.PHASES.values())


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119, "119 s"), (125, "2 min"), (11_100, "3 h 5 min"), (190_000, "2 d 4 h"), (-5, "0 s")],
)
def test_durations_are_said_in_two_units_at_most(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (23.0, "sessions", "23 sessions"),
        (0.1234567, None, "0.1235"),
        (12_345.0, "rows", "12,345 rows"),
        (0.125, "ratio", "12.5 %"),
        (None, "rows", "—"),
        (float("inf"), "s", "inf s"),
    ],
)
def test_figures_carry_their_unit(value: float | None, unit: str | None, said: str) -> None:
    assert words.figure(value, unit) == said


def test_the_card_says_how_things_stand() -> None:
    shown = read(card(stories.incident(stories.until_proposed())))
    for expected in (
        "SEV2 · payments", ":raised_hand: Approval needed", "SEV2 (high)", "1 (1 firing)",
        "A batch session holds a lock (86 %, very likely)", "Waiting for 1 approval",
        "<https://alerts.example.com/1|Alert>", "<!date^",
    ):  # fmt: skip
        assert expected in shown


def test_the_card_of_a_resolved_incident_says_how_long_it_took() -> None:
    shown = read(card(stories.incident(stories.until_resolved())))
    assert "*Lasted*\\n6 min" in shown
    assert ":large_green_circle: Resolved" in shown


def test_a_proposal_shows_everything_that_a_person_must_see_to_decide() -> None:
    of = stories.incident(stories.until_proposed())
    shown = proposal(stories.proposal(), of)
    for expected in (
        "postgres.terminate_backend", "backend 4711 of database payments", "It blocks 23 others.", "pid = 4711",
        ":large_orange_circle: medium — production", "23 sessions wait for 4711", "one session", "Cannot be undone",
        "86 %, very likely", "errors:rate1m", "Nothing is done before approval", "Expires <!date^",
    ):  # fmt: skip
        assert expected in read(shown)


def test_approve_asks_again_and_both_buttons_name_their_target() -> None:
    approve, reject = buttons(proposal(stories.proposal(), stories.incident(stories.until_proposed())))

    assert (approve["style"], reject["style"]) == ("primary", "danger")
    assert approve["accessibility_label"] == "Approve: backend 4711 of database payments"
    assert approve["value"] == reject["value"] == button_value(stories.proposal()) == "NDK4:p1:a1b2c3d4e5f60718"
    asked = approve["confirm"]["text"]["text"]
    for expected in ("postgres.terminate_backend", "backend 4711", "one session", "2026-03-01 03:17 UTC"):
        assert expected in asked
    assert "confirm" not in reject


def test_the_dialog_says_as_much_of_the_blast_radius_as_slack_lets_it() -> None:
    loses = "One session of reporting-job (reporting) is lost. Its transaction, open for 9 s, is rolled back."
    of = stories.incident(stories.until_proposed())
    offered = [stories.proposal(blast_radius=loses * times) for times in (1, 9)]
    said = [buttons(proposal(one, of))[0]["confirm"]["text"]["text"] for one in offered]
    assert f"Blast radius: {loses}" in said[0].splitlines()
    assert len(said[1]) == 300
    assert all(text.splitlines()[-1].startswith("Expires: ") for text in said)


def test_the_reasons_of_a_risk_are_sentences() -> None:
    graded = stories.proposal(risk_reasons=("The action by itself is of medium risk.", "It cannot be undone."))
    shown = read(proposal(graded, stories.incident(stories.until_proposed())))
    assert "medium — The action by itself is of medium risk. It cannot be undone." in shown


def test_after_a_rejection_the_buttons_go_and_who_when_and_why_stay() -> None:
    shown = proposal(stories.proposal(), stories.incident(stories.until_rejected()))
    assert buttons(shown) == []
    assert "Rejected by <@U0MINA>, <!date^" in read(shown)
    assert "It is the backup." in read(shown)


def test_after_the_execution_the_proposal_tells_the_outcome() -> None:
    shown = proposal(stories.proposal(), stories.incident(stories.until_resolved()))
    assert buttons(shown) == []
    assert ":seedling: It helped" in read(shown)


def test_the_first_of_two_approvals_keeps_the_buttons_and_says_who() -> None:
    two = stories.proposal(approvals_needed=2)
    events = [*stories.until_proposed()[:4], stories.until_proposed()[4].model_copy(update={"proposal": two})]
    endorsed = Endorsed(at=stories.at(3), actor=stories.MINA, digest=two.digest, **ABOUT)
    of = stories.incident([*events, endorsed])

    shown = proposal(two, of)

    assert len(buttons(shown)) == 2
    assert "1 of 2 approved: <@U0MINA>" in read(shown)
    assert "Waiting for 1 approval" in read(card(of))


def test_a_proposal_that_was_overtaken_has_no_buttons() -> None:
    newer = stories.proposal(id="NDK4:p2")
    of = stories.incident(
        [*stories.until_proposed(), stories.until_proposed()[4].model_copy(update={"proposal": newer})]
    )

    assert buttons(proposal(stories.proposal(), of)) == []
    assert len(buttons(proposal(newer, of))) == 2


def test_the_causes_show_what_speaks_for_them_and_what_was_empty() -> None:
    of = stories.incident(stories.until_proposed()[:4])
    shown = read(message(next_turn(of.history[-1:]), of, {}))
    for expected in ("86 %, very likely", "23 sessions wait for 4711", "changes", "The lock came first."):
        assert expected in shown


def test_a_question_without_an_answer_is_not_called_nothing_unusual() -> None:
    cause = Hypothesis(
        service="payments", indicator="blocked_sessions", kind="blocking_session", score=3, confidence=0.86,
        statement="A batch session holds a lock",
        empty=("p95: looked, and normal – 41 ms, as before", "loki: timed out"),
    )  # fmt: skip
    of = stories.incident([*stories.until_proposed()[:3], Ranked(at=stories.at(4), hypotheses=(cause,))])
    shown = read(message(next_turn(of.history[-1:]), of, {}))
    assert "Asked, and nothing unusual: p95: 41 ms, as before" in shown
    assert "timed out" not in shown


def test_what_the_explanation_says_is_not_said_again_below_it() -> None:
    said = "A batch session holds a lock. It would explain that 23 sessions wait for 4711."
    (ranked,) = [event for event in stories.until_proposed() if isinstance(event, Ranked)]
    of = stories.incident([*stories.until_proposed()[:3], ranked.model_copy(update={"explanation": said})])
    assert read(message(next_turn(of.history[-1:]), of, {})).count("23 sessions wait for 4711") == 1


def test_a_finding_of_nothing_is_not_called_normal_twice() -> None:
    calm = stories.finding(title="p95: looked, and normal – 41 ms, as before (payments)", score=0, evidence=())
    shown = read(last_message(Found(at=stories.at(1), agent="metrics", findings=(calm,), seconds=1)))
    assert "Looked, and normal: p95: 41 ms, as before (payments)." in shown


def test_no_cause_is_said_in_words() -> None:
    shown = last_message(Ranked(at=stories.at(4), hypotheses=()))
    assert "No cause stands out" in read(shown)


def test_what_an_agent_could_not_see_is_said() -> None:
    of = stories.incident(stories.until_proposed()[:3])
    shown = read(message(next_turn(of.history[-1:]), of, {}))
    assert "Could not be seen" in shown
    assert "Loki: timed out." in shown


def found(title: str, *statements: str) -> Post:
    """The report of an agent with that one finding."""
    (evidence,) = stories.finding().evidence
    facts = tuple(evidence.model_copy(update={"statement": said}) for said in statements or (title,))
    report = Found(at=stories.at(1), agent="logs", findings=(stories.finding(title=title, evidence=facts),), seconds=1)
    shown = last_message(report)
    assert shown is not None
    return shown


def test_the_brief_quotes_with_names_and_permalinks() -> None:
    of = stories.incident(stories.until_proposed()[:2])
    shown = read(message(next_turn(of.history[-1:]), of, {stories.MINA: "mina"}))
    assert "Already known" in shown
    assert "— mina" in shown
    assert "<https://slack.example.com/archives/C1/p1|message>" in shown
    assert "<!channel>" not in shown


def test_an_unknown_outcome_asks_a_person_to_look() -> None:
    unknown = OutcomeUnknown(at=stories.at(4), reason="the worker died", quarantined_until=stories.at(9), **ABOUT)
    shown = read(last_message(unknown))
    assert "It is not tried again" in shown
    assert "the worker died" in shown


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (NotExecuted(at=stories.NOW, reason="it is gone", **ABOUT), "nothing was changed: it is gone"),
        (Executed(at=stories.NOW, outcome="Ended.", **ABOUT), "Done on backend 4711"),
        (Expired(at=stories.NOW, **ABOUT), "has expired: nobody decided in time. Nothing was changed."),
        (HandedOver(at=stories.NOW, reason="No action fits."), "Over to you"),
        (Noted(at=stories.NOW, actor=stories.MINA, text="paged the DBA"), "paged the DBA — <@U0MINA>"),
        (Reopened(at=stories.NOW, alert=stories.alert()), "It is back"),
    ],
)  # fmt: skip
def test_each_turn_is_told_in_the_thread(event: object, expected: str) -> None:
    assert expected in read(last_message(event))


def test_an_alert_that_ends_while_others_go_on_is_told_in_one_line_and_joins_nothing() -> None:
    ended = stories.joined(2, status=AlertStatus.RESOLVED)
    shown = last_message(stories.joined(2), ended)
    assert shown is not None
    assert shown.text == "Ended: 5xx of payments at 12 %. 1 alert of 2 still firing."
    assert [block["type"] for block in shown.blocks] == ["context"]


def test_the_end_of_the_last_alert_is_told_by_the_resolution_alone() -> None:
    ended = AlertJoined(at=stories.at(4), alert=stories.alert(status=AlertStatus.RESOLVED), why=SAME_ALERT)
    assert last_message(ended) is None


def test_the_same_alert_again_is_no_other_alert() -> None:
    again = AlertJoined(at=stories.at(4), alert=stories.alert(starts_at=stories.at(3)), why=SAME_ALERT)
    assert "The same alert again: 5xx of payments at 12 %" in read(last_message(again))


def test_alerts_that_end_and_alerts_that_fire_share_a_message() -> None:
    of = stories.incident(
        [*stories.until_proposed(), stories.joined(2), stories.joined(3, status=AlertStatus.RESOLVED)]
    )
    shown = read(message(next_turn(of.history[-2:]), of, {}))
    assert "Another alert joined" in shown
    assert "Ended: " in shown


def test_what_is_noted_for_the_record_alone_is_not_told_and_makes_nobody_a_part_of_it() -> None:
    click = Noted(at=stories.at(3), actor="U0RAJ", text="pressed Approve", quiet=True)
    assert last_message(click) is None
    of = stories.incident([*stories.until_proposed(), click, stories.until_resolved()[-1]])
    assert "U0RAJ" not in read(message(next_turn(of.history[-1:]), of, {}))


def test_an_approval_and_its_carrying_out_are_one_message() -> None:
    assert last_message(Executing(at=stories.at(3), owner="w1", **ABOUT)) is None


def test_the_verdict_says_its_figures_once() -> None:
    story = stories.until_resolved()
    of = stories.incident(story[:-1])
    shown = message(next_turn(of.history[-1:]), of, {})
    assert shown is not None
    assert shown.blocks[0]["text"]["text"] == "*:seedling: It helped.* Errors are gone."
    bare = story[-2].model_copy(update={"statement": ""})
    assert "*:seedling: It helped*: 0.12 before, 0.001 after." in read(last_message(bare))


def test_a_fact_says_only_what_its_title_does_not() -> None:
    shown = read(found("New: 17 lines of timeouts", "New: 17 lines of timeouts. For example: no connection"))
    assert shown.count("17 lines of timeouts") == 2  # in the notification and in the title
    assert "• For example: no connection" in shown


def test_asterisks_of_a_log_line_do_not_end_the_bold_of_its_title() -> None:
    shown = found("New: while <*> tuple in relation")
    assert any(
        "*New: while &lt;∗&gt; tuple in relation*" in block.get("text", {}).get("text", "") for block in shown.blocks
    )


def test_only_a_rise_in_severity_is_told_to_the_whole_channel() -> None:
    for severity, told in ((Severity.CRITICAL, True), (Severity.HIGH, False), (Severity.LOW, False), (None, False)):
        shown = last_message(stories.joined(2, severity=severity))
        assert shown is not None
        assert shown.broadcast is told


def test_the_dialog_brings_back_which_proposal_it_was_about() -> None:
    view = modal.reject(stories.proposal(), digest="a1b2", channel="C1", message_ts="1.2")
    assert modal.origin_of(view) == {
        "proposal_id": "NDK4:p1", "digest": "a1b2", "channel": "C1", "message_ts": "1.2",
    }  # fmt: skip


@pytest.mark.parametrize(
    "view", [{}, {"private_metadata": "{"}, {"private_metadata": "[]"}, {"private_metadata": "{}"}]
)
def test_a_dialog_that_is_not_ours_is_refused(view: Block) -> None:
    with pytest.raises(BadInput, match="open it again"):
        modal.origin_of(view)


def test_a_line_that_a_model_has_worded_is_no_quote() -> None:
    said = BriefLine(text="the batch holds locks", user="U0MINA", said_at=stories.NOW, section="known")
    assert quoted(said, {"U0MINA": "mina"}).startswith("“the batch holds locks” — mina, ")
    own = said.model_copy(update={"reworded": True})
    assert quoted(own, {"U0MINA": "mina"}).startswith("the batch holds locks — in a model's words, from mina, ")
