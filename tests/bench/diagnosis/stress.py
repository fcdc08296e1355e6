"""Whether an answer stays when what should not matter changes: `python -m tests.bench.diagnosis.stress CASES`.

Each case is written anew, changed in one way, and diagnosed again. *Neutral* changes leave the question as it was, so
the first answer should stay; the others take something away or add strangers, and the table says what that costs.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import gzip
import io
import json
import math
import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.diagnosis import diagnose
from bot.telemetry.recorded import LOGS, METRICS, SPANS, TOPOLOGY, open_case
from tests.recorded import write_lines, write_table

Row = dict[str, str]
DROPPED = 0.2
STRANGERS = 20
HEALTHY_SERVICES = 10
LATER = timedelta(days=37, hours=5)
NAMES = ("kappa", "arbor", "quill", "zeta", "mu")
WORLD = {"CpuUsage(m)": 50.0, "MemoryUsage(Mi)": 200.0, "PodServerLatencyP95(s)": 0.05, "PodWorkload(Ops)": 20.0}
"""What a stranger tells, and its level."""
RESTS, BURST, MEMORY = 0.03, 0.2, 0.7
"""How often a noisy stranger bursts, its noise, and what it keeps of it from one sample to the next."""
UNITS: Mapping[str, tuple[str, float]] = {
    "(s)": ("(ms)", 1000.0), "_seconds": ("_milliseconds", 1000.0), "(Mi)": ("(bytes)", 2.0**20),
    "(m)": ("(cores)", 0.001),
}  # fmt: skip
"""The end of a metric's name → another, and what its values are multiplied by."""


@dataclass
class Recorded:
    """One case, all of its rows in memory."""

    case: dict[str, Any]
    truth: dict[str, str]
    topology: list[dict[str, str]]
    metrics: list[Row]
    spans: list[Row]
    logs: list[dict[str, Any]]
    chance: random.Random

    @classmethod
    def read(cls, folder: Path) -> Recorded:
        """What the folder holds; a file that is not there has no rows."""
        return cls(
            case=json.loads((folder / "case.json").read_text()),
            truth=json.loads((folder / "truth.json").read_text()),
            topology=json.loads((folder / TOPOLOGY).read_text()) if (folder / TOPOLOGY).exists() else [],
            metrics=_table(folder / METRICS),
            spans=_table(folder / SPANS),
            logs=[json.loads(line) for line in _text(folder / LOGS).splitlines()],
            chance=random.Random(folder.name),  # noqa: S311 – the same change each time
        )

    def write(self, folder: Path) -> None:
        """The same layout; files without rows are left out."""
        folder.mkdir(parents=True)
        (folder / "case.json").write_text(json.dumps(self.case))
        (folder / TOPOLOGY).write_text(json.dumps(self.topology))
        for name, rows in ((METRICS, self.metrics), (SPANS, self.spans)):
            if rows:
                write_table(folder / name, list(rows[0]), [list(row.values()) for row in rows])
        if self.logs:
            write_lines(folder / LOGS, self.logs)

    def services(self) -> list[str]:
        """Every name that a service has anywhere."""
        told = {row[end] for row in self.metrics for end in ("service", "peer") if row.get(end)}
        told |= {name for call in self.topology for name in call.values()}
        return sorted(told | {row["service"] for row in (*self.spans, *self.logs) if row.get("service")})


def _text(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode() if file.exists() else ""


def _table(file: Path) -> list[Row]:
    return list(csv.DictReader(io.StringIO(_text(file))))


def renamed(one: Recorded) -> None:
    """Names that say nothing, in another order of the alphabet."""
    known = one.services()
    names = {
        name: f"{one.chance.choice(NAMES)}-{place}" for place, name in enumerate(one.chance.sample(known, len(known)))
    }
    for row in (*one.metrics, *one.spans, *one.logs):
        row |= {end: names.get(row[end], row[end]) for end in ("service", "peer") if end in row}
        row.pop("instance", None)
    one.topology = [{end: names[name] for end, name in call.items()} for call in one.topology]
    one.truth["service"] = names[one.truth["service"]]
    told = json.dumps(one.case["alert"])
    for name, other in names.items():
        told = told.replace(json.dumps(name), json.dumps(other))
    one.case["alert"] = json.loads(told)


def shuffled(one: Recorded) -> None:
    """Rows, spans, lines and calls in another order."""
    for rows in (one.metrics, one.spans, one.logs, one.topology):
        one.chance.shuffle(rows)


def later(one: Recorded) -> None:
    """Everything at another time of another day."""
    for row, column in ((row, column) for row in (*one.metrics, *one.spans, *one.logs) for column in ("time", "start")):
        if row.get(column, "") > "1900":
            row[column] = _later(row[column])
    for stretch in (one.case["window"], *one.case["baselines"], *one.case["alert"]["alerts"]):
        stretch |= {end: _later(stretch[end]) for end in ("start", "end", "startsAt") if end in stretch}


def _later(moment: str) -> str:
    return f"{(datetime.fromisoformat(moment[:19]) + LATER).isoformat()}{moment[19:]}"


def in_other_units(one: Recorded) -> None:
    """Milliseconds for seconds, bytes for mebibytes, cores for millicores."""
    for row in one.metrics:
        for end, (other, factor) in UNITS.items():
            if row["metric"].endswith(end) and row["value"]:
                row["metric"], row["value"] = (
                    row["metric"].removesuffix(end) + other,
                    repr(float(row["value"]) * factor),
                )
                break


def with_healthy_services(one: Recorded) -> None:
    """Further services that do what another one does in the quiet stretch, always."""
    calm = one.case["baselines"][min(1, len(one.case["baselines"]) - 1)]
    moments = sorted({row["time"] for row in one.metrics})
    quiet = [moment for moment in moments if calm["start"] <= moment < calm["end"]] or moments
    known = {(row["service"], row["metric"], row["time"]): row["value"] for row in one.metrics if not row.get("peer")}
    own = sorted({(service, metric) for service, metric, _ in known if not metric.startswith("entry")})
    for place, model in enumerate(one.chance.choices(sorted({service for service, _ in own}), k=HEALTHY_SERVICES)):
        start = one.chance.randrange(len(quiet))
        for metric in (metric for service, metric in own if service == model):
            for step, moment in enumerate(moments):
                value = known.get((model, metric, quiet[(start + step) % len(quiet)]), "")
                one.metrics.append(_row(one, moment, f"calm-{place}", metric, value))


def with_every_second_sample(one: Recorded) -> None:
    """A scrape interval twice as long."""
    moments = sorted({row["time"] for row in one.metrics})
    kept = set(moments[one.chance.randrange(2) :: 2])
    one.metrics = [row for row in one.metrics if row["time"] in kept]


def with_series_lost(one: Recorded) -> None:
    """One series in five is not there."""
    own = sorted({(row["service"], row["metric"], row.get("peer", "")) for row in one.metrics})
    lost = set(one.chance.sample(own, int(DROPPED * len(own))))
    one.metrics = [row for row in one.metrics if (row["service"], row["metric"], row.get("peer", "")) not in lost]


def with_noisy_strangers(one: Recorded) -> None:
    """Services that nobody calls, restless at any time."""
    moments = sorted({row["time"] for row in one.metrics})
    for place in range(STRANGERS):
        for metric, level in WORLD.items():
            noise = 0.0
            for moment in moments:
                burst = one.chance.expovariate(1) if one.chance.random() < RESTS else 0.0
                noise = MEMORY * noise + one.chance.gauss(0, BURST) + burst
                one.metrics.append(_row(one, moment, f"stranger-{place}", metric, repr(level * math.exp(noise))))


def without_spans(one: Recorded) -> None:
    """No traces."""
    one.spans = []


def without_lines(one: Recorded) -> None:
    """No logs."""
    one.logs = []


def without_both(one: Recorded) -> None:
    """Metrics and topology only."""
    one.spans, one.logs = [], []


def _row(one: Recorded, moment: str, service: str, metric: str, value: str) -> Row:
    return {**dict.fromkeys(one.metrics[0], ""), "time": moment, "service": service, "metric": metric, "value": value}


Change = Callable[[Recorded], None]
NEUTRAL: tuple[Change, ...] = (renamed, shuffled, later, in_other_units, with_healthy_services)
HARD: tuple[Change, ...] = (with_every_second_sample, with_series_lost, with_noisy_strangers,
                            without_spans, without_lines, without_both)  # fmt: skip


async def place_of(case: Recorded, scratch: Path) -> int:
    """Where the right service stands once the case is written and diagnosed."""
    case.write(scratch)
    named = [cause["service"] for cause in (await diagnose(open_case(scratch))).causes()]
    return named.index(case.truth["service"]) + 1 if case.truth["service"] in named else len(named) + 1


async def main(folder: Path, every: int) -> None:
    """One row a change."""
    folders = [truth.parent for truth in sorted(folder.glob("*/truth.json"))][::every]
    print("| change | n | right first, as it was | changed | right among three, as it was | changed | other answers |")
    print("|---" * 7 + "|")
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch)
        before = [await place_of(Recorded.read(one), asked / "as-it-was" / one.name) for one in folders]
        for change in (*NEUTRAL, *HARD):
            places = []
            for one in folders:
                case = Recorded.read(one)
                change(case)
                places.append(await place_of(case, asked / change.__name__ / one.name))
            other = sum(min(was, 4) != min(now, 4) for was, now in zip(before, places, strict=True))
            firsts, threes = ([f"{sum(place <= depth for place in ones) / len(ones):.2f}" for ones in (before, places)]
                              for depth in (1, 3))  # fmt: skip
            name = change.__name__.replace("_", " ")
            print(f"| {name} | {len(folders)} | {' | '.join(firsts)} | {' | '.join(threes)} | {other} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.diagnosis.stress")
    parser.add_argument("cases", type=Path, help="a folder of recorded cases with their truths")
    parser.add_argument("--every", type=int, default=1, help="take one case in so many")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.cases, arguments.every))
