"""The catalogue is edited while the bot runs: the next question is answered by what the file says now."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import Misconfigured, NotNow
from bot.register import Register

PAY = "services: {pay: {owners: {users: [UANN]}, depends_on: [bank]}, bank: {}}\n"
CUT_OFF = "services: {pay: {owners: {users: [UANN]"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "services.yaml"
    written.write_text(PAY)
    return written


def test_an_edit_counts_at_once_for_decisions_and_for_what_stands_on_what(file: Path) -> None:
    register = Register(file)
    assert register.now().services["pay"].owners.users == ("UANN",)
    file.write_text("services: {pay: {owners: {users: [UBOB]}}, bank: {depends_on: [pay]}}")
    with capture_logs() as said:
        assert register.now().services["pay"].owners.users == ("UBOB",)
        assert register.known().dependants("pay") == ("bank",)
    assert [line["event"] for line in said] == ["catalogue.changed"]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (CUT_OFF, "line 1"),
        ("services: {pay: {depends_on: [nobody]}}", "nobody"),
        ("services: {pay: {ownerz: {}}}", "ownerz"),
        ("", "names no service any more"),
        ("# being written\n", "names no service any more"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_used_decides_nothing_and_topology_stays(
    file: Path, written: str | None, why: str
) -> None:
    register = Register(file)
    if written is None:
        file.unlink()
    else:
        file.write_text(written)
    with capture_logs() as said:
        for _ in range(3):
            with pytest.raises(NotNow, match=r"nothing can be approved or run") as refused:
                register.now()
            assert register.known().dependants("bank") == ("pay",)
    assert why in str(refused.value)
    assert [(line["event"], line["log_level"]) for line in said] == [("catalogue.unusable", "error")]
    assert why in said[0]["why"]
    file.write_text(PAY)
    assert register.now().dependants("bank") == ("pay",)


def test_the_same_fault_is_told_again_when_it_comes_back(file: Path) -> None:
    register = Register(file)
    with capture_logs() as said:
        for text in (CUT_OFF, PAY, CUT_OFF):
            file.write_text(text)
            register.known()
    assert [line["event"] for line in said] == ["catalogue.unusable", "catalogue.unusable"]


def test_a_process_does_not_begin_with_one_that_cannot_be_used(file: Path) -> None:
    file.write_text(CUT_OFF)
    with pytest.raises(Misconfigured, match="not readable YAML"):
        Register(file)
