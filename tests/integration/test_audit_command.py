"""`nightdesk audit verify|export`, as a person reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.audit_command import export, verify
from bot.errors import BadInput, Misconfigured
from bot.remediation.audit import CHAIN, Audit, Torn
from bot.settings import Settings
from tests.integration.remediation.gate import INCIDENT, PROPOSAL, Gate, open_gate
from tests.servers.process import free_port


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    """A trail with a proposal and its approval."""
    async with open_gate(redis_url) as gate:
        proposal = await gate.propose()
        await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN", "month end is over")
        await Audit(gate.redis).take(INCIDENT, await gate.journal.history(INCIDENT))
        yield gate


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=SecretStr(redis_url), data_dir=tmp_path)


async def exported(settings: Settings, file: Path) -> list[str]:
    lines: list[str] = []
    await export(settings, lines.append)
    file.write_text("\n".join(lines) + "\n")
    return lines


async def verified(settings: Settings, file: Path | None = None) -> str:
    said: list[str] = []
    await verify(settings, file, said.append)
    return "\n".join(said)


async def test_a_sound_trail_says_how_long_it_is_and_where_it_ends(gate: Gate, settings: Settings) -> None:
    said = await verified(settings)
    assert said.startswith(
        "2 entries, unbroken, without a key (NIGHTDESK_AUDIT_KEY). The last one is of 2026-03-01 03:12"
    )


async def test_it_is_told_how_much_of_it_an_export_bears_out(gate: Gate, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "trail.jsonl"
    lines = await exported(settings, file)
    assert len(lines) == 2
    file.write_text(lines[0] + "\n\n")
    assert (await verified(settings, file)).endswith(f"It begins with the 1 entry of {file}, unchanged.")


async def test_an_empty_export_bears_out_nothing(gate: Gate, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "trail.jsonl"
    file.write_text("\n")
    with pytest.raises(BadInput, match="is empty, so it shows nothing"):
        await verified(settings, file)


async def test_an_export_that_is_none_is_told(gate: Gate, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "trail.jsonl"
    with pytest.raises(BadInput, match=r"trail.jsonl cannot be read: No such file or directory\.$"):
        await verified(settings, file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is no text"):
        await verified(settings, file)
    file.write_text("hello\n")
    with pytest.raises(Torn, match="holds something at its beginning that is no entry"):
        await verified(settings, file)


async def test_what_is_printed_before_a_broken_place_is_sound(gate: Gate, settings: Settings) -> None:
    await gate.redis.xadd(CHAIN, {"entry": "approved by everybody"})
    lines: list[str] = []
    with pytest.raises(Torn, match="cannot be read"):
        await export(settings, lines.append)
    assert len(lines) == 2


async def test_a_redis_that_is_down_is_one_sentence(settings: Settings) -> None:
    down = settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{free_port()}/0")})
    with pytest.raises(Misconfigured, match="Check NIGHTDESK_REDIS_URL and that it is up"):
        await verified(down)
    with pytest.raises(Misconfigured, match="Check NIGHTDESK_REDIS_URL"):
        await export(down, print)
