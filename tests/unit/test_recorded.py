"""A recorded case as the world of a rehearsal: the agents look at its telemetry, the commander ranks it."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import BadInput
from bot.rehearsal import rehearse
from tests.unit.canvas.test_shipped import CASES

BEGAN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
PLAYBOOK = """---
id: recorded
title: On a recording
owner: tests
---

```mermaid
flowchart TD
  begin([Begin]) --> split{{Look}}
  split --> lines[Which lines are new] & look[What is measured] & database[Who blocks whom]
  lines & look & database --> all{{All}} --> rank[Weigh] --> new{Is there a new kind of error?}
  new -- yes --> known([A new error])
  new -- otherwise --> unknown([Nothing new])
```

### lines

Why.

```yaml
use: logs.new_templates
with: {service: "{{ service.name }}"}
```

### look

Why.

```yaml
use: metrics.look
```

### database

Why.

```yaml
use: database.blocking_sessions
```

### rank

Why.

```yaml
use: commander.rank
```

### new

Why.

```yaml
when: {yes: "lines.new_error_count > 0 && rank.confidence > 0.0"}
```
"""
RELEASED = """---
id: released
title: After a release
owner: tests
---

```mermaid
flowchart TD
  begin([Begin]) --> changes[What was released]
  changes --> why{Is it the release?}
  why -- yes --> new([The release])
  why -- otherwise --> old([Something else])
```

### changes

Why.

```yaml
use: changes.recent
with: {service: "{{ service.name }}"}
```

### why

```yaml
when: {yes: "changes.suspect_kind == 'deploy' && changes.suspect_score >= 0.2"}
```
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """An hour in which all is well, then a quarter in which search fails."""
    folder = tmp_path / "case"
    folder.mkdir()
    said = json.loads((CASES / "general-triage" / "case.json").read_text())
    (folder / "case.json").write_text(json.dumps(said))
    (folder / "topology.json").write_text(json.dumps([{"from": "web", "to": "search"}]))
    seconds = range(-3600, 900, 10)
    rows = [("time", "service", "instance", "metric", "value")] + [
        ((BEGAN + timedelta(seconds=at)).isoformat(), "search", "search-1", "error_rate", 0.4 if at >= 0 else 0.01)
        for at in seconds
    ]  # fmt: skip
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    (folder / "metrics.csv.gz").write_bytes(gzip.compress(written.getvalue().encode()))
    lines = [
        {"time": (BEGAN + timedelta(seconds=at)).isoformat(), "service": "search", "instance": "search-1",
         "level": "ERROR" if at >= 0 else "INFO",
         "message": f"index shard {at} is missing" if at >= 0 else f"served query {abs(at)} in 12 ms"}
        for at in seconds
    ]  # fmt: skip
    text = "\n".join(map(json.dumps, lines))
    (folder / "logs.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return folder


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    file = tmp_path / "recorded.md"
    file.write_text(PLAYBOOK)
    return file


async def test_the_agents_look_at_what_was_recorded_and_say_what_was_not(case: Path, playbook: Path) -> None:
    said, code = await rehearse(playbook, case=case)
    assert code == 0
    assert said.splitlines()[0] == "not recorded, so nothing is known: database.blocking_sessions"
    assert said.splitlines()[-1] == "finished: known"


async def test_the_notes_of_a_case_come_before_its_telemetry(case: Path, playbook: Path) -> None:
    (case / "facts.yaml").write_text("finds:\n  lines: {new_error_count: 0}\n  database: {blocked_count: 1}\n")
    said, _ = await rehearse(playbook, case=case)
    assert said.splitlines()[0].startswith("On a recording")
    assert said.splitlines()[-1] == "finished: unknown"


async def test_notes_that_say_nothing_are_no_notes_and_others_are_refused(case: Path, playbook: Path) -> None:
    (case / "facts.yaml").write_text("finds:\n")
    assert (await rehearse(playbook, case=case))[0].splitlines()[-1] == "finished: known"
    (case / "facts.yaml").write_text("finds: [lines]\n")
    with pytest.raises(BadInput, match="'finds' must be a mapping"):
        await rehearse(playbook, case=case)


@pytest.mark.parametrize(("minutes", "end"), [(8, "new"), (40, "new"), (300, "old")])
async def test_a_recorded_release_is_suspected_by_its_nearness(
    case: Path, tmp_path: Path, minutes: int, end: str
) -> None:
    """The alert's service is one that no topology names."""
    at = BEGAN + timedelta(minutes=10 - minutes)
    (case / "topology.json").unlink()
    (case / "changes.json").write_text(json.dumps([{"service": "search", "to": "2.1", "at": at.isoformat()}]))
    file = tmp_path / "released.md"
    file.write_text(RELEASED)
    assert (await rehearse(file, case=case))[0].splitlines()[-1] == f"finished: {end}"
