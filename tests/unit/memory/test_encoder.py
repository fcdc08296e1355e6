"""The encoder: what is asked of the model, and what a wrong one says."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from bot.errors import Misconfigured
from bot.memory.encoder import ENGLISH_BGE_INSTRUCTION, Encoder, _prompts
from tests.integration.memory.concepts import ConceptModel


async def test_documents_and_queries_are_half_precision_and_normalised() -> None:
    with await Encoder.load("concepts", load=ConceptModel) as encoder:
        vectors = await encoder.documents(["the database is down", "deploy"])
        query = await encoder.query("postgres outage")
    assert vectors.dtype == query.dtype == np.float16
    assert float(np.linalg.norm(query.astype(np.float32))) == pytest.approx(1, abs=1e-2)
    assert float(vectors[0] @ query) > float(vectors[1] @ query)


async def test_two_models_never_share_vectors() -> None:
    with await Encoder.load("one", load=ConceptModel) as one, await Encoder.load("two", load=ConceptModel) as two:
        assert one.fingerprint != two.fingerprint


async def test_a_missing_package_or_model_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, package: str | None = None) -> Any:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", absent)
    with pytest.raises(Misconfigured, match=r"pip install 'nightdesk\[embeddings\]'"):
        await Encoder.load("sentence-transformers/all-MiniLM-L6-v2")


async def test_a_model_that_fails_in_its_own_way_is_one_clear_line_too() -> None:
    def broken(name: str) -> Any:
        raise ArithmeticError("header\n  too short.")

    with pytest.raises(Misconfigured) as refusal:
        await Encoder.load("/models/cut-off", load=broken)
    assert str(refusal.value).startswith("The encoder '/models/cut-off' cannot be loaded (header too short): set ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BAAI/bge-small-en-v1.5", {"query": ENGLISH_BGE_INSTRUCTION}),
        ("BAAI/bge-m3", None),
        ("/models/all-MiniLM-L6-v2", None),
    ],
)
def test_only_the_english_bge_models_take_an_instruction(name: str, expected: dict[str, str] | None) -> None:
    assert _prompts(name) == expected
