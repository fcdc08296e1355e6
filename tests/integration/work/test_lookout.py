"""From what CI posts, and from what is said in the channel, to what the changes agent says: on a real Redis."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.changes.posted import posted
from bot.memory import MemoryManager
from bot.models import Alert, AlertStatus, Message, Window
from bot.settings import ChangesSettings
from bot.storage import connect
from bot.work.lookout import ledger_of, tools_for_changes

ONSET = datetime(2026, 5, 1, 2, 55, tzinfo=UTC)
CATALOG = Catalog.model_validate({"services": {"checkout": {"channel": "C1"}}})
WINDOW = Window(start=ONSET - timedelta(minutes=15), end=ONSET + timedelta(minutes=1))
SCOPE = Scope(
    "i",
    Alert(source="t", name="A", status=AlertStatus.FIRING, fingerprint="f", starts_at=ONSET),
    "checkout",
    CATALOG,
    WINDOW,
    Window(start=ONSET - timedelta(hours=1), end=WINDOW.start),
)


async def test_one_deploy_that_ci_posts_and_a_bot_announces_is_told_once(redis_url: str) -> None:
    said = Message(
        id="1",
        channel="C1",
        user="deploybot",
        text="checkout 4.3.0 deployed by mina",
        sent_at=ONSET - timedelta(minutes=3),
    )
    body = b'{"service": "checkout", "from": "v4.2.1", "to": "v4.3.0", "who": "mina", "at": "2026-05-01T02:51:00Z"}'
    settings = ChangesSettings()
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(MemoryManager.open(redis_url))
        ledger = ledger_of(await stack.enter_async_context(connect(redis_url)), settings)
        await memory.remember([said])
        await ledger.add(posted(body, ledger.name, ONSET, ledger.kept), ONSET)
        tools = Toolbox(await tools_for_changes(stack, settings, ledger, memory, CATALOG))
        report = await tools.use("changes.look", {}, SCOPE)
    (finding,) = report.findings
    assert finding.title == (
        "checkout v4.2.1 → v4.3.0 was deployed by mina at 02:51 UTC, 4 min before the trouble began"
    )
    assert finding.evidence[0].query == "changes told by posted, channel since 20:55 UTC"
    assert report.gaps == ()
