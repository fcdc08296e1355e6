"""The catalogue is edited between the alert and its triage."""

from __future__ import annotations

from bot.canvas.store import MemoryStore
from bot.catalog import Catalog
from bot.models import Opened
from bot.work.triage import Triage
from tests.integration.work.night import ALERT, CHANNEL, GENERAL, ID, NOW, night_on


async def test_a_service_that_has_left_the_catalogue_is_looked_into_all_the_same(redis_url: str) -> None:
    async with night_on(redis_url, None) as night:
        opened = Opened(at=NOW, alert=ALERT, service=night.catalog.resolve(ALERT.service), channel=CHANNEL)
        await night.journal.append(ID, opened)
        night.catalog = Catalog(services={"another": night.catalog.services["payments"]})
        await Triage(night._rooms(), MemoryStore(), lambda *_: (GENERAL, "it fits"), dict).walk(ID)
        incident = await night.incident()
    assert incident.service == "payments"
    assert night.looked
    assert incident.hypotheses
