"""From what CI posts, and from what is said in the channel, to what the changes agent says: on a real Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

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


async def names(users: Iterable[str]) -> Mapping[str, str]:
    """As the workspace names them; of U0GONE it knows no more than the id."""
    known = {"U0TOM": "tom", "U0MINA": "mina", "U0GONE": "U0GONE"}
    return {user: known[user] for user in users if user in known}


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
        tools = Toolbox(await tools_for_changes(stack, settings, ledger, memory, CATALOG, names))
        report = await tools.use("changes.look", {}, SCOPE)
    (finding,) = report.findings
    assert finding.title == (
        "checkout v4.2.1 → v4.3.0 was deployed by mina at 02:51 UTC, 4 min before the trouble began"
    )
    assert finding.evidence[0].query == "changes told by posted, channel since 20:55 UTC"
    assert report.gaps == ()


@pytest.mark.parametrize(
    ("user", "text", "title"),
    [
        ("U0TOM", "rolled back checkout to 4.2", "checkout 4.2 was rolled back by tom at 02:52 UTC"),
        ("U0TOM", "checkout 4.3.0 deployed by @U0MINA", "checkout 4.3.0 was deployed by mina at 02:52 UTC"),
        ("U0GONE", "rolled back checkout to 4.2", "checkout 4.2 was rolled back at 02:52 UTC"),
        ("U0GONE", "rolled it back", "somebody announced at 02:52 UTC"),
        ("U0TOM", "rolled it back with @U0MINA", "tom announced at 02:52 UTC"),
    ],
)
async def test_who_announced_a_change_is_told_by_name_or_not_at_all(
    redis_url: str, user: str, text: str, title: str
) -> None:
    said = Message(id="1", channel="C1", user=user, text=text, sent_at=ONSET - timedelta(minutes=3))
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(MemoryManager.open(redis_url))
        ledger = ledger_of(await stack.enter_async_context(connect(redis_url)), ChangesSettings())
        await memory.remember([said])
        tools = Toolbox(await tools_for_changes(stack, ChangesSettings(), ledger, memory, CATALOG, names))
        report = await tools.use("changes.look", {}, SCOPE)
    told = " ".join([report.findings[0].title, *(evidence.statement for evidence in report.findings[0].evidence)])
    assert report.findings[0].title.startswith(title)
    assert "U0" not in told
