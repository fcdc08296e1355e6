"""In which language a channel is spoken to."""

from __future__ import annotations

import pytest

from bot.work.modelled import written_in


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (["payments fails again", "deployed build 42"], "en"),
        (["支付又失败了", "谁在看？"], "zh"),
        (["payment-api 的 p99 又涨了，谁有空看一下", "刚发布了 v2.3，先回滚吧"], "zh"),
        (["kafka consumer lag is above half a million, see the 消费 dashboard"], "en"),
        (["本番の支払いが失敗しています"], "en"),
        ([], "en"),
        (["503", "…"], "en"),
    ],
)
def test_it_is_the_one_in_which_most_is_written_there(texts: list[str], language: str) -> None:
    assert written_in(texts) == language
