"""What the names of ready-made series say."""

from __future__ import annotations

import numpy as np
import pytest

from bot.agents.meanings import meaning_of


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("disk_used_percent", 92.0, ("saturation", "disk", 0.92)),
        ("filesystem_free_ratio", 0.3, ("saturation", "disk", 0.7)),
        ("filesystem_inodes_used_ratio", 0.4, ("saturation", "inodes", 0.4)),
        ("memory_available_percent", 25.0, ("saturation", "memory", 0.75)),
        ("CpuUsage(%)", 97.0, ("saturation", "cpu", 0.97)),
        ("connection_pool_used_ratio", 1.0, ("saturation", "connections", 1.0)),
        ("open_fds_ratio", 0.5, ("saturation", "files", 0.5)),
        ("queue_fill_ratio", 0.9, ("saturation", "queue", 0.9)),
        ("http_error_ratio", 0.4, ("error_rate", None, 0.4)),
        ("SuccessRate(%)", 98.0, ("error_rate", None, 0.02)),
        ("PodServerLatencyP95(s)", 0.2, ("latency", None, 0.2)),
        ("response_time_ms", 250.0, ("latency", None, 0.25)),
        ("PodWorkload(Ops)", 12.0, ("traffic", None, 12.0)),
        ("requests_per_second", 3.0, ("traffic", None, 3.0)),
        ("up", 1.0, ("target_down", None, 1.0)),
    ],
)
def test_a_name_with_a_unit_tells_the_signal(metric: str, value: float, said: tuple[str, str | None, float]) -> None:
    meant = meaning_of("shop", metric)
    assert meant is not None
    kind, resource, level = said
    assert (meant.signal.kind, meant.signal.resource) == (kind, resource)
    assert meant.turn(np.array([value])) == pytest.approx([level])


@pytest.mark.parametrize(
    "metric",
    ["requests_total", "memory_bytes", "cache_memory_hit_ratio", "disk_write_wait_ratio", "cpu_steal_percent",
     "weather", "latency"],
)  # fmt: skip
def test_a_name_that_tells_no_unit_or_no_level_says_nothing(metric: str) -> None:
    assert meaning_of("shop", metric) is None


def test_what_can_be_full_is_called_by_its_name_alone() -> None:
    meant = meaning_of("shop", "filesystem_inodes_used_ratio")
    assert meant is not None
    assert (meant.signal.noun, meant.signal.unit, meant.signal.bounded) == ("filesystem inodes", "ratio", True)
