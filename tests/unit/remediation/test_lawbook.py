"""The policy in force is what its file says now; what cannot be read is no leave to go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.documents import LONGEST_WHY
from bot.errors import Misconfigured, NotNow
from bot.gate import lawbook_of
from bot.remediation.lawbook import Lawbook
from bot.settings import RemediationSettings, Settings

ANN = RemediationSettings(approver_users=("UANN",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text("tiers: {low: {approvals: 2}}")
    return file


@pytest.fixture
def lawbook(file: Path) -> Lawbook:
    return Lawbook(lambda: file if file.is_file() else None, ANN)


def test_what_is_written_now_counts_now(file: Path, lawbook: Lawbook) -> None:
    assert lawbook.now().tiers.low.approvals == 2
    file.write_text("tiers: {low: {approvals: 3}}")  # within one tick of the clock, and as long as it was
    assert lawbook.now().tiers.low.approvals == 3


def test_it_is_read_once_as_long_as_it_says_the_same(file: Path, lawbook: Lawbook) -> None:
    before = lawbook.now()
    file.touch()
    assert lawbook.now() is before


def test_the_settings_count_beside_it_every_time(file: Path, lawbook: Lawbook) -> None:
    assert lawbook.now().approvers.users == ("UANN",)
    file.write_text("approvers: {users: [UBOB]}")
    assert lawbook.now().approvers.users == ("UANN", "UBOB")


def test_one_that_appears_later_counts_from_then_on(file: Path, lawbook: Lawbook) -> None:
    file.unlink()
    assert lawbook.now().tiers.low.approvals == 1
    file.write_text("tiers: {low: {approvals: 2}}")
    assert lawbook.now().tiers.low.approvals == 2


def test_one_that_is_gone_is_a_doubt_and_not_the_end_of_its_rules(file: Path, lawbook: Lawbook) -> None:
    lawbook.now()
    file.unlink()
    with pytest.raises(NotNow, match="cannot be read: No such file"):
        lawbook.now()


BROKEN = {
    "half a mapping": b"tiers: {low: {approvals: 2",
    "a rule that does not exist": b"tiers: {lwo: {approvals: 2}}",
    "laxer than the floor": b"tiers: {high: {approvals: 1}}",
    "a list": b"- tiers",
    "empty, as while it is being written": b"",
    "comments alone": b"# tiers: {}\n",
    "an empty list": b"[]",
    "not text": b"\xff\xfe\x00",
    "two documents": b"version: 1\n---\nversion: 1\n",
    "a name twice": b"forbidden: []\nforbidden: []\n",
    "a python object": b"!!python/object/apply:os.system ['id']",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_what_does_not_parse_allows_nothing_and_says_so_in_one_line(file: Path, lawbook: Lawbook, text: bytes) -> None:
    lawbook.now()
    file.write_bytes(text)
    with pytest.raises(NotNow, match="nothing can be approved or run") as doubt:
        lawbook.now()
    said = str(doubt.value)
    assert str(file) in said
    assert "nightdesk policy lint" in said
    assert "\n" not in said
    assert len(said) < LONGEST_WHY + 300


def test_one_that_is_mended_counts_again(file: Path, lawbook: Lawbook) -> None:
    file.write_text("[")
    with pytest.raises(NotNow):
        lawbook.now()
    file.write_text("tiers: {low: {approvals: 2}}")
    assert lawbook.now().tiers.low.approvals == 2


def test_a_folder_in_its_place_is_a_doubt(file: Path, lawbook: Lawbook) -> None:
    lawbook.now()
    file.unlink()
    file.mkdir()
    with pytest.raises(NotNow, match="Is a directory"):
        lawbook.now()


def test_a_process_does_not_start_with_one_that_cannot_be_used(file: Path) -> None:
    file.write_text("[")
    with pytest.raises(Misconfigured, match="not readable YAML"):
        lawbook_of(Settings(remediation=RemediationSettings(policy_file=file)))
