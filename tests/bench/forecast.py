"""How often a forecast is made where nothing fills, and where something does: `python -m tests.bench.forecast CASES`.

Every series of the cases' fault-free stretches is scaled so that its own highest sample is 77 % full. As it is,
nothing fills, and each forecast is a false one. With a straight rise of 30 points laid over a fifth of the series' own
movement, something does. Beside ours, in the same run: a least-squares line with the same sight, steady or not.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from bot.agents.forecast import FAR, LEAST_POINTS, forecast
from bot.telemetry.series import Floats, Series

HEADROOM, START, RISE, OWN = 1.3, 0.4, 0.3, 0.2


def calm(case: Path) -> Iterator[Series]:
    """The series of the longest stretch that the case calls normal, scaled."""
    about = json.loads((case / "case.json").read_text())
    stretches = [
        [datetime.fromisoformat(stretch[side]).timestamp() for side in ("start", "end")]
        for stretch in about.get("baselines") or [about["baseline"]]
    ]
    start, end = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    samples: dict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
    with gzip.open(case / "metrics.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["time"]).timestamp()
            if start <= at < end and row["value"]:
                name = (row["service"], row["instance"], row.get("peer", ""), row["metric"])
                samples[name].append((at, float(row["value"])))
    for points in samples.values():
        times, values = (np.array(column) for column in zip(*sorted(points), strict=True))
        highest = float(np.abs(values).max())
        if times.size >= LEAST_POINTS and highest > 0:
            yield Series({}, times, values / (HEADROOM * highest))


def rising(series: Series) -> Series:
    """The same with a straight rise laid over it."""
    passed = (series.times - series.times[0]) / (series.times[-1] - series.times[0])
    return Series({}, series.times, OWN * series.values + START + RISE * passed)


def straight(series: Series) -> bool:
    """The baseline: whether a least-squares line gets to the limit in sight."""
    times: Floats = series.times - series.times[-1]
    slope, level = np.polyfit(times, series.values, 1)
    return bool(slope > 0 and level < 1 and (1 - level) / slope <= FAR * -times[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path, help="a folder of recorded cases")
    parser.add_argument("--most", type=int, default=20, help="so many cases, by name")
    given = parser.parse_args()
    folders = sorted(file.parent for file in given.cases.glob("*/case.json"))[: given.most]
    found = [series for folder in folders for series in calm(folder)]
    print(f"{len(found)} series of {len(folders)} cases")
    print("| | least squares | ours |\n|---|---|---|")
    for name, told in (("false forecasts", found), ("planted rises that are told", [rising(one) for one in found])):
        ours = sum(forecast(one) is not None for one in told)
        theirs = sum(map(straight, told))
        print(f"| {name} | {theirs / len(told):.1%} | {ours / len(told):.1%} |")


if __name__ == "__main__":
    main()
