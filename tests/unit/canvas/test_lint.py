"""Every rule finds the fault that was planted for it, at its line, and says nothing about a sound playbook."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from bot.canvas import NotAPlaybook, Playbook, parse
from bot.canvas.faults import Fault
from bot.canvas.lint import as_github, as_text, lint, sound
from tests.unit.canvas.worlds import TOOLS, drawn

SOUND = """---
id: sound
title: Sound in every way
owner: tests
match: {alertname: "Payment.*"}
inputs: {target: "{{ alert.service }}"}
---

```mermaid
flowchart TD
  begin([Begin]) --> split{{Split}}
  split --> errors[Errors] & locks[Locks] & logs[Logs]
  errors & locks & logs --> judge{Is one session blocking many?}
  judge -- yes --> gate[/Ask to end it/]
  judge -- again --> split
  judge -- otherwise --> wide[[other]]
  gate -- approved --> kill[End it] --> done([Done])
  gate -- rejected --> wide
  gate -- expired --> page([Page])
  kill -- not_executed --> page
  wide --> people[Ask people]
  people -- yes --> look[Look around]
  people -- no --> page
  people -- expired --> page
  look -- found --> page
  look -- otherwise --> page
  errors -- error --> page
```

### split

```yaml
max_visits: 3
```

### errors

Why.

```yaml
use: metrics.golden_signals
with: {service: "{{ service.name }}"}
on_error: {go: page}
```

### locks

Why.

```yaml
use: database.blocking_sessions
with: {database: "{{ service.database }}"}
```

### logs

Why.

```yaml
use: logs.look
```

### judge

Why.

```yaml
when:
  yes: "locks.blocked_count >= 3"
  again: "locks.blocked_count > 0"
```

### gate

Why.

### kill

Why.

```yaml
change: postgres.terminate_backend
with: {database: db, pid: "{{ locks.root_pid }}", backend_start: "{{ locks.root_backend_start }}",
  transaction_start: "{{ locks.root_transaction_start }}"}
verify: {query: "up", above: 0, within: 2m}
irreversible: It cannot be brought back.
```

### people

Why.

```yaml
ask: "Did {{ target }} deploy?"
answers: [yes, no]
```

### look

Why.

```yaml
explore:
  goal: What is unusual about the service?
  tools: [metrics.look]
```
"""
OTHER = """---
id: other
title: The other one
owner: tests
---
```mermaid
flowchart TD
  a([Start]) --> e([End])
```
"""


def faults_of(text: str) -> tuple[Fault, ...]:
    try:
        playbooks = [parse(text, "playbooks/sound.md"), parse(OTHER, "playbooks/other.md")]
    except NotAPlaybook as refused:
        return refused.faults
    return sound(playbooks, TOOLS)


def line_of(text: str, marker: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if marker in line)


def test_a_sound_playbook_has_no_findings() -> None:
    assert faults_of(SOUND) == ()


PLANTED = [
    # rule, what is replaced, what by, what marks the line
    ("file", "---\nid: sound", "id: sound", "id: sound"),
    ("file", "```mermaid", "```text", 8),
    ("front-matter", "owner: tests", "owners: tests", "owners"),
    ("front-matter", "id: sound", "id: Not Sound", "id: Not"),
    ("front-matter", "title: Sound in every way", "title: [Sound", "owner"),
    ("block", "use: logs.look", "uses: logs.look", "uses:"),
    ("block", "within: 2m", "within: soon", "verify:"),
    ("block", "use: logs.look", "- use", "- use"),
    ("chart-syntax", "wide --> people[Ask people]", "wide -.-> people[Ask people]", "-.->"),
    ("chart-syntax", "look[Look around]", "look(Look around)", "look(Look"),
    ("chart-syntax", "begin([Begin])", "end([Begin])", "end([Begin])"),
    ("section-doubled", "### people\n", "### gate\n", 89),
    ("section-unknown", "### people\n", "### persons\n", "### persons"),
    ("block-missing", "### logs\n\nWhy.\n\n```yaml\nuse: logs.look\n```\n", "", "logs[Logs]"),
    ("prose", "### logs\n\nWhy.", "### logs", "### logs"),
    ("start", "begin([Begin]) -->", "begin[Begin] -->", "flowchart TD"),
    ("start", "wide --> people", "second([Again]) --> wide --> people", "second("),
    ("dead-end", "people -- no --> page", "people -- no --> nowhere[Nothing]", "nowhere["),
    ("end", "people -- no --> page", "people -- no --> page --> look", "page([Page])"),
    ("unreachable", "people -- no --> page", "people -- no --> page\n  lost[Lost] --> page", "lost["),
    ("edge-doubled", "people -- no --> page", "people -- no --> page & page", "people -- no"),
    ("fork", "begin([Begin]) --> split", "begin([Begin]) --> wide & split", "begin("),
    ("fork", "wide --> people", "wide --> idle{{Idle}} --> people", "idle{{"),
    ("label", "wide --> people", "wide -- never --> people", "-- never"),
    ("label", "look -- found --> page", "look -- lost --> page", "-- lost"),
    ("gate-edges", "  gate -- expired --> page([Page])\n", "  wide -- e --> page([Page])\n", "gate[/"),
    ("way-on", "people -- no --> page\n", "\n", "people[Ask"),
    ("way-on", "  look -- otherwise --> page\n", "", "look[Look"),
    ("loop", "```yaml\nmax_visits: 3\n```", "Round and round.", "### split"),
    ("loop", "judge -- otherwise --> wide", "judge -- otherwise --> split\n  judge -- wide --> wide",
     "judge -- otherwise"),
    ("loop", "use: logs.look", "use: logs.look\nmax_visits: 2", "max_visits: 2"),
    ("loop", "people -- no --> page", "people -- no --> locks", "errors[Errors]"),
    ("shape", "use: logs.look", "use: logs.look\nwhen: {yes: 'true'}", "when: {yes"),
    ("shape", "judge{Is one session blocking many?}", "judge[Is one session blocking many?]", "when:"),
    ("join", "use: logs.look", "use: logs.look\njoin: any", "join: any"),
    ("branch", "judge -- otherwise --> wide", "judge -- else --> wide", "judge{"),
    ("branch", '  again: "locks.blocked_count > 0"\n', "", "when:"),
    ("branch", "when:\n", 'when:\n  maybe: "true"\n', "when:"),
    ("branch", "when:\n", "judge: model\nwhen:\n", "judge: model"),
    ("ask", "answers: [yes, no]", "answers: [yes]", "ask:"),
    ("save-as", "use: logs.look", "use: logs.look\nsave_as: locks", "save_as: locks"),
    ("save-as", "use: logs.look", "use: logs.look\nsave_as: alert", "save_as: alert"),
    ("on-error", "on_error: {go: page}", "on_error: {go: gate}", "on_error: {go: gate}"),
    ("tool-unknown", "use: logs.look", "use: logs.lock", "use: logs.lock"),
    ("tool-unknown", "tools: [metrics.look]", "tools: [metrics.lock]", "explore:"),
    ("tool-kind", "use: logs.look", "use: process.restart\nwith: {target: x}", "use: process.restart"),
    ("tool-kind", "change: postgres.terminate_backend", "change: logs.look", "change: logs.look"),
    ("parameters", "with: {database: db, ", "with: {", "with: {pid"),
    ("parameters", "with: {database: db, ", "with: {database: 7, ", "with: {database: 7"),
    ("parameters", "with: {database: db, ", "with: {base: x, database: db, ", "with: {base"),
    ("parameters", "tools: [metrics.look]", "tools: [metrics.golden_signals]", "explore:"),
    ("parameters", 'pid: "{{ locks.root_pid }}"', 'pid: "no {{ locks.root_pid }}"', "with: {database: db"),
    ("reference", 'database: "{{ service.database }}"', 'database: "{{ lock.database }}"', "{{ lock."),
    ("reference", 'ask: "Did {{ target }} deploy?"', 'ask: "Did {{ target + 1 }} deploy?"', "ask:"),
    ("reference", 'target: "{{ alert.service }}"', 'target: "{{ locks.root_pid }}"', "inputs:"),
    ("reference", "locks.blocked_count >= 3", "blocks.blocked_count >= 3", "when:"),
    ("reference-order", 'ask: "Did {{ target }} deploy?"', 'ask: "Did {{ gate.by }} deploy?"', "ask:"),
    ("reference-order", 'with: {database: "{{ service.database }}"}', 'with: {database: "{{ logs.top_template }}"}',
     "{{ logs"),
    ("fact-unknown", "locks.blocked_count >= 3", "locks.blocker_count >= 3", "when:"),
    ("fact-unknown", 'ask: "Did {{ target }} deploy?"', 'ask: "Did {{ alert.team }} deploy?"', "ask:"),
    ("fact-unknown", "tools: [metrics.look]", "tools: [metrics.look]\n  until: look.error_rate > 0.1", "explore:"),
    ("condition", "locks.blocked_count >= 3", "locks.blocked_count >=", "when:"),
    ("condition", "tools: [metrics.look]", "tools: [metrics.look]\n  until: look.error_ratio >", "explore:"),
    ("foreach", "use: logs.look", "use: logs.look\nforeach: all", "foreach: all"),
    ("ungated", "judge -- otherwise --> wide", "judge -- otherwise --> kill\n  judge -- wide --> wide", "kill[End it]"),
    ("gate-idle", "gate -- approved --> kill[End it] --> done([Done])", "gate -- approved --> done([Done])", "gate[/"),
    ("verify", 'verify: {query: "up", above: 0, within: 2m}\n', "", "### kill"),
    ("verify", 'verify: {query: "up", above: 0', 'verify: {query: "up"', "verify:"),
    ("verify", 'verify: {query: "up", above', "verify: {use: metrics.look, above", "verify:"),
    ("verify", 'verify: {query: "up", above', 'verify: {symptom: worst, query: "up", above', "verify:"),
    ("verify", 'verify: {query: "up", above', "verify: {symptom: worst, above", "verify:"),
    ("rollback", "irreversible: It cannot be brought back.\n", "", "### kill"),
    ("query-outside", 'query: "up"', 'query: "up{a=\\"{{ alert.name }}\\"}"', "verify:"),
    ("file-name", "id: sound", "id: solid", "id: solid"),
    ("playbook-unknown", "wide[[other]]", "wide[[another]]", "wide[[another"),
    ("playbook-cycle", "wide[[other]]", "wide[[sound]]", "wide[[sound"),
    ("match", 'match: {alertname: "Payment.*"}', 'match: {alertname: "Payment(.*"}', "match:"),
]  # fmt: skip


def test_loops_that_multiply_to_a_run_without_an_end_are_refused_at_the_innermost() -> None:
    nested = drawn(
        """begin([Begin]) --> outer[Outer] --> inner[Inner] --> more{More?}
more -- again --> inner
more -- otherwise --> all{All?}
all -- again --> outer
all -- otherwise --> done([Done])""",
        {
            "outer": "use: metrics.look\nmax_visits: 40",
            "inner": "use: logs.look\nmax_visits: 30",
            "more": 'when: {again: "inner.new_error_count > 0"}',
            "all": 'when: {again: "outer.error_ratio > 0.1"}',
        },
    )
    (fault,) = [fault for fault in sound([nested], TOOLS) if fault.rule == "loop"]
    assert fault.place.line == line_of(nested.text, "### inner")
    assert "1200 times" in fault.message
    fewer = parse(nested.text.replace("max_visits: 40", "max_visits: 30"), "drawn.md")
    assert [fault for fault in sound([fewer], TOOLS) if fault.rule == "loop"] == []


@pytest.mark.parametrize(("nodes", "found"), [(120, []), (200, [121])])
def test_a_drawing_that_is_too_large_to_be_drawn_in_time_is_refused(nodes: int, found: list[int]) -> None:
    steps = [f"n{number}" for number in range(2, nodes)]
    chart = "\n".join(f"{one} --> {other}" for one, other in pairwise(["begin([Begin])", *steps, "done([Done])"]))
    huge = drawn(chart, dict.fromkeys(steps, "use: metrics.look"))
    faults = [fault for fault in sound([huge], TOOLS) if fault.rule == "size"]
    assert [huge.chart.nodes[f"n{number}"].place for number in found] == [fault.place for fault in faults]


@pytest.mark.parametrize(("rule", "old", "new", "marker"), PLANTED)
def test_a_planted_fault_is_found_at_its_line(rule: str, old: str, new: str, marker: str | int) -> None:
    assert SOUND.count(old) == 1, "the fault must be planted in one place"
    text = SOUND.replace(old, new)
    line = marker if isinstance(marker, int) else line_of(text, marker)
    found = {(fault.rule, fault.place.line) for fault in faults_of(text) if fault.file.endswith("sound.md")}
    assert (rule, line) in found, as_text(faults_of(text))


def test_the_faults_are_planted_for_every_rule() -> None:
    assert len(PLANTED) >= 30


def of(text: str, name: str) -> Playbook:
    return parse(text, f"playbooks/{name}.md")


def test_two_files_cannot_share_an_id() -> None:
    second = of(OTHER.replace("id: other", "id: other"), "others")
    rules = [fault.rule for fault in sound([of(OTHER, "other"), second])]
    assert "id-doubled" in rules


def test_two_playbooks_that_match_equally_well_are_a_tie() -> None:
    one = of(OTHER.replace("id: other", "id: one\nmatch: {alertname: 'Payment.*'}"), "one")
    two = of(OTHER.replace("id: other", "id: two\nmatch: {alertname: PaymentFailures}"), "two")
    same = of(OTHER.replace("id: other", "id: two\nmatch: {alertname: 'Pay.*'}"), "two")
    assert sound([one, two]) == ()
    assert [fault.rule for fault in sound([one, same])] == ["match-tie"]


def test_a_change_that_a_loop_comes_back_to_must_be_asked_for_again() -> None:
    text = SOUND.replace("kill[End it] --> done([Done])", "kill[End it] --> well{Well?}\n  well -- no --> kill\n"
        "  well -- otherwise --> done([Done])")  # fmt: skip
    assert any("without asking again" in fault.message for fault in faults_of(text))


def test_facts_of_every_arm_of_a_fork_are_known_after_its_join() -> None:
    text = SOUND.replace('"locks.blocked_count >= 3"', '"locks.blocked_count >= 3 && logs.error_share > 0.1"')
    assert faults_of(text) == ()


def test_without_a_list_of_tools_nothing_is_said_about_tools() -> None:
    playbook = of(SOUND.replace("use: logs.look", "use: any.thing"), "sound")
    assert lint(playbook, library={"other": of(OTHER, "other"), "sound": playbook}) == ()


def test_a_finding_names_file_line_column_message_mend_and_rule() -> None:
    (fault,) = faults_of(SOUND.replace("use: logs.look", "use: logs.lock"))
    assert str(fault).startswith("playbooks/sound.md:60:1: There is no tool 'logs.lock'. Did you mean logs.look")
    assert as_text([fault]).endswith("[tool-unknown]\n1 finding in 1 file.")


def test_findings_for_github_are_escaped_workflow_commands() -> None:
    (fault,) = faults_of(SOUND.replace("use: logs.look", 'use: "50%, a:b"'))
    line = as_github([fault])
    assert line.startswith(
        "::error file=playbooks/sound.md,line=60,col=1,title=tool-unknown::There is no tool '50%25, a:b'."
    )
    assert "\n" not in line


def test_findings_can_be_sent_as_json() -> None:
    assert json.dumps([str(fault) for fault in faults_of("")])


def test_the_paper_lists_exactly_the_rules_that_there_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "playbooks.md").read_text(encoding="utf-8")
    table = page.partition("## What lint finds")[2].partition("\n## ")[0]
    told = {
        rule
        for row in table.splitlines()
        if row.startswith("| `")
        for rule in re.findall(r"`([a-z-]+)`", row.split("|")[1])
    }
    assert told == {rule for rule, *_ in PLANTED} | {"id-doubled", "match-tie", "size"}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("x.count > 3 and x.age_s > 60", "&& for 'and'"),
        ("x.error_ratio > 5%", "0.05 for 5 %"),
        ("x.age_s > 5m", "300 for 5m"),
        ("x.state = 'idle'", "'=='"),
        ("x.count ≥ 3", ">="),
        ("x.state == 'up and 5%' &&", "such as"),
    ],
)
def test_a_condition_in_a_hasty_hand_is_answered_with_how_cel_says_it(condition: str, said: str) -> None:
    block = f"when:\n  yes: {json.dumps(condition, ensure_ascii=False)}"
    chart = "s([Start]) --> x[X] --> b{Well?}\nb -- yes --> e([End])\nb -- otherwise --> f([Fine])"
    faults = lint(drawn(chart, {"x": "use: metrics.look", "b": block}), TOOLS)
    (fault,) = [fault for fault in faults if fault.rule == "condition"]
    assert said in fault.mend


@pytest.mark.parametrize(
    ("block", "message", "mend"),
    [
        ("ask: Well?\nanswers: 3", "'answers' is no list", "answers: [one, two]"),
        ("use: metrics.look\nwith: all", "'with' is no mapping", "with: {key: value}"),
        ("explore: {tools: [logs.look]}", "'explore.goal' is missing", "explore.goal: …"),
        ("use: metrics.look\njoin: some", "it should be 'all' or 'any'", "docs/playbooks.md"),
        ("use: metrics.look\nretries: 3", "no key 'retries'", "Delete it"),
    ],
)
def test_a_key_that_does_not_fit_is_told_in_the_words_of_yaml(block: str, message: str, mend: str) -> None:
    with pytest.raises(NotAPlaybook) as caught:
        drawn("s([Start]) --> x[X] --> e([End])", {"x": block})
    (fault,) = caught.value.faults
    assert message in fault.message
    assert mend in fault.mend


MISSPELT = [
    # what is replaced, what by, what marks the line, what is said
    ("### locks", "### lokcs", "### lokcs", "There is no node 'lokcs' in the drawing. Did you mean locks?"),
    ("people -- no --> page", "people -- no --> paeg", "paeg", "Did you mean page?"),
    ("locks.blocked_count >= 3", "locks.bloked_count >= 3", "bloked", "Did you mean blocked_count?"),
    ("with: {database: db, pid:", "with: {databse: db, pid:", "databse", "'databse'; did you mean database?"),
    ("\nwhen:\n", "\nwen:\n", "wen:", "There is no key 'wen'. Did you mean when?"),
    ("owner: tests", "ownr: tests", "ownr", "There is no key 'ownr'. Did you mean owner?"),
    ('  yes: "locks', '  Yes: "locks', "Yes:", "a condition for 'Yes', but no such arrow. Did you mean yes?"),
]


@pytest.mark.parametrize(("old", "new", "marker", "said"), MISSPELT, ids=[new.strip() for _, new, *_ in MISSPELT])
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(old: str, new: str, marker: str, said: str) -> None:
    assert old in SOUND
    text = SOUND.replace(old, new, 1)
    answered = [fault for fault in faults_of(text) if said in str(fault)]
    assert answered, "\n".join(map(str, faults_of(text)))
    assert abs(answered[0].place.line - line_of(text, marker)) <= 1  # the key of a block stands above what it holds


def test_a_drawing_that_is_not_closed_is_said_once_and_where_it_should_end() -> None:
    begun, _, rest = SOUND.partition("```mermaid\n")
    drawing, _, sections = rest.partition("```\n")
    text = f"{begun}```mermaid\n{drawing}{sections}"
    (fault,) = faults_of(text)
    assert str(fault).endswith(
        "The drawing is not closed before this line. Write ``` on a line above it. [chart-syntax]"
    )
    assert fault.place.line == line_of(text, "### ")
