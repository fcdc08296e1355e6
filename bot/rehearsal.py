"""What the command line does with playbooks, with the tools and actions that ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.canvas import Playbook, Step, Walked, read
from bot.canvas.commands import lint_command
from bot.canvas.library import load_library
from bot.canvas.lint import lint as faults_in
from bot.canvas.outcome import Change
from bot.canvas.rehearsal import Rehearsal, play
from bot.errors import BadInput, RemediationError
from bot.plural import many
from bot.recorded import RecordedWorld
from bot.remediation.action import fitting
from bot.work.specs import SHIPPED, shipped_specs
from bot.work.world import meant

FACTS = "facts.yaml"
"""In a recorded case: what the tools found that look where the recording does not reach."""


def lint(paths: Sequence[Path], form: Literal["text", "github"]) -> tuple[str, int]:
    """The report, and the exit code."""
    return lint_command(list(paths), form, shipped_specs())


async def rehearse(file: Path, facts: Path | None = None, case: Path | None = None) -> tuple[str, int]:
    """Walk the playbook on given facts or on a recorded case; the path in words, and the exit code.

    Args:
        facts: YAML with what the run is given, what its steps find, and how its questions end.
        case: a recorded case: its alert is the run's, the agents look at its telemetry, and its `facts.yaml` tells
            what was found where the recording does not reach.

    Raises:
        BadInput: the facts or the case cannot be read.
        NotAPlaybook: the playbook cannot be read.
    """
    playbook = read(file)
    told = _facts(facts) if facts else notes_of(case) if case else {}
    recorded = RecordedWorld.open(case, told.get("finds", {})) if case else None
    given = told.get("given", {})
    library = load_library(file.parent, shipped_specs()).playbooks
    world = Rehearsal(recorded or Told(told.get("finds", {})), refusal)
    walked = await play(
        playbook,
        world,
        given=recorded.given(given) if recorded else given,
        library=library,
        answers=told.get("answers", {}),
    )
    said = _told(playbook, walked, world)
    if recorded and recorded.unrecorded:
        said = f"not recorded, so nothing is known: {', '.join(dict.fromkeys(recorded.unrecorded))}\n{said}"
    if faults := faults_in(playbook, shipped_specs(), library):
        found = (
            f"{many(len(faults), 'finding')} of lint: no incident runs it so; nightdesk playbook lint {file} names them"
        )
        said = f"{found}\n{said}"
    return said, 1 if walked.state == "failed" else 0


def refusal(change: Change) -> str | None:
    """Why its action cannot take what the steps have found, as a gate of an incident would say it."""
    try:
        name, given = meant(change)
        if shipped := next((action for action in SHIPPED if action.name == name), None):
            fitting(name, shipped.parameters, given)
    except RemediationError as reason:
        return f"Nothing could be proposed: {reason}"
    return None


def notes_of(case: Path) -> Mapping[str, Any]:
    """The `facts.yaml` of a recorded case; nothing where there is none.

    Raises:
        BadInput: it cannot be read.
    """
    return _facts(case / FACTS) if (case / FACTS).is_file() else {}


class Told:
    """A reader that finds what the file says."""

    def __init__(self, finds: Mapping[str, Any]) -> None:
        self._finds = finds

    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        """The facts told for the step, else those told for the tool; nothing else is known."""
        found = self._finds.get(step.node, self._finds.get(tool, {}))
        if not isinstance(found, Mapping):
            raise BadInput(f"The facts of '{step.node}' ({tool} {dict(parameters)}) are not a mapping.")
        return found


def _facts(file: Path) -> Mapping[str, Any]:
    try:
        document = YAML(typ="safe").load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise BadInput(f"{file} cannot be read as YAML: {error}") from None
    if not isinstance(document, dict) or not document.keys() <= {"given", "finds", "answers"}:
        raise BadInput(
            f"{file} must hold a mapping with any of: given, finds (step → facts), answers (node → outcome)."
        )
    told = {part: said for part, said in document.items() if said is not None}
    if wrong := next((part for part, said in told.items() if not isinstance(said, dict)), None):
        raise BadInput(f"{file}: '{wrong}' must be a mapping.")
    return told


def _told(playbook: Playbook, walked: Walked, world: Rehearsal) -> str:
    lines = [f"{playbook.front.title} ({playbook.id}, {playbook.hash[:12]})"]
    lines += [f"  said: {text}" for text in world.said]
    for key in walked.path:
        outcome = walked.outcomes[key]
        label = playbook.chart.nodes[key.partition("#")[0]].label
        leaves = f" → {outcome.edge}" if outcome.edge else ""
        note = f"  ({outcome.note})" if outcome.note else ""
        lines.append(f"  {'✗' if outcome.state == 'failed' else '✓'} {key}: {label}{leaves}{note}")
    lines += [f"  would do: {action} {dict(parameters)}" for _, action, parameters in world.done]
    lines.append(f"{walked.state}: {walked.error or walked.end or 'no end was reached'}")
    return "\n".join(lines)
