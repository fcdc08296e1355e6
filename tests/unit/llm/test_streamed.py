"""Sentences of an answer, while it is coming in."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.llm.honesty import Claim
from bot.llm.streamed import Claims, claims_in
from bot.masking import Mask


async def heard(pieces: list[str], mask: Mask | None = None) -> list[tuple[Claim, ...]]:
    told: list[tuple[Claim, ...]] = []

    async def tell(claims: tuple[Claim, ...]) -> None:
        told.append(claims)

    claims = Claims(mask or Mask(), tell)
    for piece in pieces:
        await claims.hear(piece)
    return told


async def test_a_sentence_is_told_when_it_is_complete_and_not_before() -> None:
    told = await heard(
        ['{"claims": [{"text": "A.", "ci', 'tes": ["e1"]}', ', {"text": "B."', ', "cites": ["e2"]}], "m']
    )
    assert [[claim.text for claim in claims] for claims in told] == [["A."], ["A.", "B."]]


async def test_identifiers_come_back_in_it() -> None:
    mask = Mask()
    token = mask.mask("10.0.0.7")
    ((claim,),) = await heard([json.dumps({"claims": [{"text": f"{token} is down.", "cites": ["e1"]}]})], mask)
    assert claim.text == "10.0.0.7 is down."


@given(st.lists(st.builds(Claim, text=st.text(max_size=30), cites=st.lists(st.text(max_size=3), max_size=2)),
                max_size=4), st.integers(1, 7))  # fmt: skip
async def test_however_it_is_cut_into_pieces_the_same_is_told(claims: list[Claim], size: int) -> None:
    text = json.dumps({"missing": [], "claims": [claim.model_dump() for claim in claims]})
    told = await heard([text[at : at + size] for at in range(0, len(text), size)])
    assert (list(told[-1]) if told else []) == claims


def test_what_is_nested_without_end_tells_nothing() -> None:
    assert claims_in('{"claims": [' + '{"a": [' * 50_000, Mask()) == []


async def test_what_is_no_answer_tells_nothing() -> None:
    assert await heard(["I think ", "that [e1] {", '"claims": 3}']) == []
    assert await heard(['{"claims": [{"text": 3}, {"text": "A.", "cites": []}]}']) == []
