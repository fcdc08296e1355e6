"""Names causes on recorded cases and compares with their labels: `python -m tests.bench.diagnosis CASES [--left-out]`.

CASES is a folder of recorded cases (docs/diagnosis.md), each with a `truth.json`: `service`, `fault`. Printed are
top-1, top-3 and top-5 by system and by fault, the same for two baselines, how well the stated confidence is kept, false
alarms on known-good stretches (`cases.quiet` says how they are cut), and seconds a case. Nothing is told to the program
about which system it looks at. With `--left-out` the same for weights that were chosen without the case (`left_out`).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.agents.fusion import are_calls_seen, suspicions
from bot.diagnosis import diagnose, scope_of
from tests.bench.diagnosis.baselines import by_chance, by_z_score, services
from tests.bench.diagnosis.calibration import report
from tests.bench.diagnosis.cases import Labelled, labelled, quiet
from tests.bench.diagnosis.left_out import Evidence, evidence_of
from tests.bench.diagnosis.left_out import report as left_out

DEPTHS = (1, 3, 5)
MISSED = 10_000


@dataclass(frozen=True)
class Result:
    """One case, judged."""

    one: Labelled
    place: int
    """Of the right service, 1 the best."""
    first: str | None
    confidence: float
    """Of the first."""
    totals: tuple[float, ...]
    right: int | None
    seconds: float
    z_place: int
    count: int
    evidence: Evidence


def place_of(service: str, ranked: Sequence[str | None]) -> int:
    """Where it stands; far away where it does not."""
    return ranked.index(service) + 1 if service in ranked else MISSED


async def judge(one: Labelled) -> Result:
    """Diagnose one case."""
    found = await diagnose(one.case)
    seen = are_calls_seen(found.findings, found.gaps)
    suspected = suspicions(found.findings, scope_of(one.case).catalog, calls_seen=seen)
    causes = found.causes()
    named = [cause["service"] for cause in causes]
    place = place_of(one.service, named)
    return Result(
        one=one,
        place=place,
        first=f"{named[0] or causes[0]['kind']}",
        confidence=float(causes[0]["confidence"]),
        totals=tuple(suspicion.total for suspicion in suspected if suspicion.total > 0),
        right=next((place for place, suspicion in enumerate(suspected) if suspicion.service == one.service), None),
        seconds=found.seconds,
        z_place=place_of(one.service, await by_z_score(one.case)),
        count=await services(one.case),
        evidence=evidence_of(one.case, found, (one.system, one.service, one.fault)),
    )


def line(name: str, results: Sequence[Result]) -> str:
    """One row of the table."""
    ours = [sum(result.place <= depth for result in results) / len(results) for depth in DEPTHS]
    scored = [sum(result.z_place <= depth for result in results) / len(results) for depth in DEPTHS]
    chance = [statistics.mean(by_chance(result.count, depth) for result in results) for depth in DEPTHS]
    return f"| {name} | {len(results)} | {_shares(ours)} | {_shares(scored)} | {_shares(chance)} |"


def _shares(values: Iterable[float]) -> str:
    return " / ".join(f"{value:.2f}" for value in values)


async def main(folder: Path, *, weights: bool) -> None:
    """Print everything; `weights`: also what weights are worth that were chosen without the case."""
    cases = labelled(folder)
    results = [await judge(one) for one in cases]
    print("| cases | n | nightdesk top-1/3/5 | robust z-score | chance |\n|---|---|---|---|---|")
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[f"{result.one.system}: all"].append(result)
        groups[f"{result.one.system}: {result.one.fault}"].append(result)
    for name in sorted(groups):
        print(line(name, groups[name]))
    print(line("all", results))
    print("\nmissed:")
    for result in results:
        if result.place > 1:
            where = result.place if result.place < MISSED else "-"
            print(
                f"  {result.one.case.id}: {result.one.service} ({result.one.fault}) came {where}, first {result.first}"
            )
    print(report([(result.totals, result.right) for result in results],
                 [(result.one.service, result.one.fault) for result in results],
                 [(result.confidence, result.place == 1) for result in results]))  # fmt: skip
    calm = await false_alarms(cases)
    if weights:
        print(left_out([*(result.evidence for result in results), *calm]))
    seconds = [result.seconds for result in results]
    print(f"\nseconds a case: median {statistics.median(seconds):.2f}, worst {max(seconds):.2f}")


async def false_alarms(cases: Sequence[Labelled]) -> list[Evidence]:
    """How often nothing is called a fault where nothing was wrong, and what spoke against whom."""
    calm: dict[str, list[bool]] = defaultdict(list)
    evidence = []
    for case in quiet(cases):
        found = await diagnose(case)
        evidence.append(evidence_of(case, found, None))
        said = found.hypotheses[0]
        calm[case.id.partition("-")[0]].append(said.kind == "healthy")
        if said.kind != "healthy":
            print(f"  false alarm {case.id} {case.window.start:%H:%M:%S}: {said.confidence} {said.statement[:100]}")
    for system, told in sorted(calm.items()):
        print(f"known-good stretches, {system}: healthy in {sum(told)} of {len(told)} ({sum(told) / len(told):.0%})")
    return evidence


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.diagnosis")
    parser.add_argument("cases", type=Path, help="a folder of recorded cases with their truths")
    parser.add_argument("--left-out", action="store_true", help="choose the weights without the case, too")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.cases, weights=arguments.left_out))
