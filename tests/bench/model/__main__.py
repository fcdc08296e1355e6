"""What a model changes, and what it costs: `python -m tests.bench.model [CASES] [--cost]`.

CASES is a folder of recorded cases with their labels (docs/diagnosis.md). Each is triaged by the general playbook
without a model, with one that helps and with one that lies, both scripted (`tests/characters.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tests.bench.model import cost, recorded
from tests.bench.tables import table
from tests.characters import Helpful, Lying
from tests.speaking import speaking

CAUSES = ("model", "cases", "right service top-1 / top-3", "ranking, proposal and end as without",
          "first by evidence is first or second", "sentences told")  # fmt: skip
COST = ("incident", "tokens, memory and playbook", "USD", "questions", "tokens, plain loop", "USD",
        "tokens, one question", "loop", "one question")  # fmt: skip


def main() -> None:
    """Read the arguments, measure, print tables in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.model", description="What a model changes and costs.")
    parser.add_argument("cases", type=Path, nargs="?", help="folder with recorded cases and their truth.json")
    parser.add_argument("--cost", action="store_true", help="also count the tokens of ten incidents")
    arguments = parser.parse_args()
    asyncio.run(_measure(arguments.cases, cost_too=arguments.cost))


async def _measure(cases: Path | None, *, cost_too: bool) -> None:
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightdesk-bench-")))
        helpful = await stack.enter_async_context(speaking(Helpful()))
        lying = await stack.enter_async_context(speaking(Lying()))
        if cases is not None:
            found = await recorded.outcomes(cases, home / "cases", {"none": None, "helpful": helpful, "lying": lying})
            table(CAUSES, recorded.table(found))
        if cost_too:
            table(COST, await cost.measure(home / "cost", helpful))


if __name__ == "__main__":
    main()
