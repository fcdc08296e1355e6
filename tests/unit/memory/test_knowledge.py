"""Markdown is cut at its headings, and every piece says where it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Misconfigured
from bot.memory.knowledge import LONGEST_CHUNK, Page, chunks, pages

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _texts(text: str) -> list[str]:
    return [message.text for message in chunks(Page("runbooks/db.md", "0", text, AT))]


def test_a_chunk_carries_the_headings_above_it() -> None:
    assert _texts("# Database\nintro\n## Locks\nend the root blocker\n## Pool\nraise it\n# Cache\nflush it") == [
        "Database: intro",
        "Database › Locks: end the root blocker",
        "Database › Pool: raise it",
        "Cache: flush it",
    ]


def test_a_comment_in_a_code_block_is_no_heading() -> None:
    assert _texts("# Restart\n```sh\n# as root\nsystemctl restart x\n```\n") == [
        "Restart: ```sh\n# as root\nsystemctl restart x\n```"
    ]


def test_front_matter_is_left_out() -> None:
    assert _texts("---\nid: x\n---\n# A\nb") == ["A: b"]


def test_a_long_section_is_cut_between_paragraphs() -> None:
    texts = _texts("# A\n" + "\n\n".join("word " * 60 for _ in range(12)))
    assert len(texts) > 1
    assert all(len(text) <= LONGEST_CHUNK + len("A: ") for text in texts)


@given(st.text(max_size=400))
def test_no_word_of_any_text_is_lost(text: str) -> None:
    kept = " ".join(_texts(f"# Title\n{text}"))
    assert all(word in kept for word in text.split() if word.isalnum() and "#" not in text and "---" not in text)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    home = tmp_path / "knowledge"
    home.mkdir()
    (tmp_path / "secret.md").write_text("# secret")
    (home / "link.md").symlink_to(tmp_path / "secret.md")
    (home / "own.md").write_text("# own\ntext")
    assert [page.path for page in pages(home)] == ["own.md"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="NIGHTDESK_KNOWLEDGE_DIR"):
        pages(tmp_path / "nowhere")
