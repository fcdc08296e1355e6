"""The machine's own Prometheus over the demo's targets, for those who have one."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bot.demo.announce import free_port
from bot.demo.child import child, last_words
from bot.errors import Misconfigured, SourceUnavailable
from bot.http import HttpSource


@asynccontextmanager
async def system_prometheus(folder: Path, targets: Mapping[str, str], *, interval_s: float) -> AsyncIterator[str]:
    """Run `prometheus` from PATH over these pages (job → URL) until the block ends; its address.

    Raises:
        Misconfigured: there is none, or it does not start.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise Misconfigured("There is no prometheus on PATH: install it, or let the demo use its own metrics server.")
    config, log, port = folder / "prometheus.json", folder / "prometheus.err", free_port()
    config.write_text(_config(targets, interval_s))
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'prometheus'}",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]  # fmt: skip
    async with child(command, log=log) as process:
        url = f"http://127.0.0.1:{port}"
        await _answers(url, process, log)
        yield url


def _config(targets: Mapping[str, str], interval_s: float) -> str:
    """The configuration, as JSON, which is YAML as well."""
    jobs = [
        {
            "job_name": job,
            "metrics_path": urlsplit(url).path,
            "static_configs": [{"targets": [urlsplit(url).netloc]}],
        }
        for job, url in targets.items()
    ]
    every = f"{round(interval_s * 1000)}ms"
    return json.dumps({"global": {"scrape_interval": every, "scrape_timeout": every}, "scrape_configs": jobs})


async def _answers(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with HttpSource("prometheus", url, tries=1) as prometheus:
        for _ in range(600):
            if process.returncode is not None:
                break
            try:
                await prometheus.get("api/v1/query", {"query": "vector(1)"})
            except SourceUnavailable:
                await asyncio.sleep(0.05)
            else:
                return
    raise Misconfigured(f"Prometheus did not start; its log {log} ends with:\n{last_words(log)}")
