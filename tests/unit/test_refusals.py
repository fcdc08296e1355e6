"""What the body of an error says to a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.refusals import LONGEST, words_of


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "Incorrect API key", "type": "invalid"}}', "Incorrect API key"),
        (b'{"error": "model \\"x\\" not found"}', 'model "x" not found'),
        (b'[{"error": {"code": 400, "message": "API key not valid."}}]', "API key not valid."),
        (b'{"object": "error", "message": "The model does not exist."}', "The model does not exist."),
        (b'{"detail": [{"loc": ["body", "stream_options"], "msg": "Extra"}]}', "body.stream_options: Extra"),
        (b'{"status": "error", "errorType": "bad_data", "error": "parse error"}', "parse error"),
        (b"<html>\r\n<head><title>502 Bad Gateway</title></head><body>nginx</body>", "502 Bad Gateway"),
        (b"<!doctype html><h1>Not <b>Found</b></h1>", "Not Found"),
        (b"ring is\n unhealthy", "ring is unhealthy"),
        (b'{"error": {"root_cause": [], "type": "x_exception", "reason": "too many scroll contexts"}, "status": 500}',
         "too many scroll contexts"),
        (b'{"data": null, "errors": [{"code": 400, "msg": "parameter start is required"}]}',
         "parameter start is required"),
        (b'{"message": {"name": ["has already been taken"]}}', "name: has already been taken"),
        (b'{"status": 422, "title": "Unprocessable", "detail": "The range is too long."}', "The range is too long."),
        (b'{"status": "error", "error": "query times out', "status : error , error : query times out"),
        (b'{"code": 7}', "code: 7"),
        (b"", "(nothing)"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)  # fmt: skip
def test_the_message_is_told_and_not_what_stands_around_it(body: bytes, said: str) -> None:
    assert words_of(body) == said


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_body_is_one_short_line(body: bytes) -> None:
    said = words_of(body)
    assert said
    assert len(said) <= LONGEST
    assert "\n" not in said
