"""What a person is told of a server that did not answer as it should."""

from __future__ import annotations

import math

import pytest

from bot.unanswered import ADVICE, refusal, silence, unreadable


@pytest.mark.parametrize(
    ("status", "words", "wait_s", "said"),
    [
        (401, "no token", None, "ci answered 401: no token (check the token or the password of this source)"),
        (403, "wait", 60.0, "ci answered 403: wait (it asks to be left alone for 60 s; let this account read here)"),
        (302, "", None, "ci answered 302: Found (it points elsewhere: "),
        (503, "", math.inf, "ci answered 503: Service Unavailable (it asks to be left alone for now; is it up"),
        (418, "a teapot", None, "ci answered 418: a teapot"),
        (799, "", None, "ci answered 799: no words (its own log says more)"),
    ],
)
def test_a_refusal_says_who_why_and_what_to_do(status: int, words: str, wait_s: float | None, said: str) -> None:
    assert refusal("ci", status, words, advice=ADVICE, wait_s=wait_s).startswith(said)


def test_silence_is_told_by_how_it_came() -> None:
    assert silence("ci", "late", "", 5) == "ci did not answer within 5 s (is it overloaded?)"
    assert silence("ci", "untrusted", "self-signed", 5).endswith("self-signed (is its certificate one of ca_file?)")
    assert silence("ci", "unreachable", "no connection", 5).endswith("(is it up, and is its address right?)")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b" \n", "an empty answer, not JSON"),
        (b"<html><h1>Log in</h1>", "a web page (“Log in”), not JSON"),
        (b"ok", "answered status with something that is not JSON"),
    ],
)
def test_what_is_no_json_is_told_by_what_it_is(body: bytes, said: str) -> None:
    assert said in unreadable("ci", "status", body)
