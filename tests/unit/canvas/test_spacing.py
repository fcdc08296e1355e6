"""Labels that lie on each other are moved apart, and no others."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.canvas.spacing import Box, apart, onto, points, spaced

PLACES = st.integers(0, 120).map(float)
BOXES = st.lists(
    st.builds(Box, PLACES, PLACES, st.sampled_from([30.0, 60.0]), st.just(21.0)), min_size=2, max_size=5
)  # fmt: skip

LABEL = (
    '<g class="edgeLabel" transform="translate({}, {})">'
    '<g class="label" data-id="L_a_b_0"><foreignObject width="60" height="21"'
)


def touching(boxes: list[Box]) -> list[tuple[Box, Box]]:
    return [pair for pair in combinations(boxes, 2) if min(pair[0].overlap(pair[1])) > 0.01]


@given(BOXES)
def test_a_few_labels_never_lie_on_each_other(boxes: list[Box]) -> None:
    assert touching(apart(boxes)) == []


def test_labels_that_do_not_touch_stay_where_they_are() -> None:
    boxes = [Box(0, 0, 40, 21), Box(0, 40, 40, 21), Box(60, 0, 40, 21)]
    assert apart(boxes) == boxes


def test_two_that_touch_part_the_shorter_way_and_keep_their_order() -> None:
    one, other = apart([Box(0, 0, 60, 21), Box(20, 4, 60, 21)])
    assert (one.x, other.x) == (0, 20)
    assert (one.y < 0, other.y > 4) == (True, True)
    left, right = apart([Box(0, 0, 60, 21), Box(58, 4, 60, 21)])
    assert (left.y, right.y) == (0, 4)
    assert (left.x < 0, right.x > 58) == (True, True)


def test_a_curve_is_followed_from_its_beginning_to_its_end() -> None:
    line = points("M0,0L10,0C10,10,30,10,30,0")
    assert (line[0], line[-1]) == ((0, 0), (30, 0))
    assert (5, 0) in line
    assert (20, 7.5) in line


def test_a_label_beside_its_arrow_is_laid_onto_it_and_one_that_the_arrow_passes_stays() -> None:
    line = points("M0,0L100,0")
    assert onto(Box(50, 60, 40, 20), line) == Box(50, 0, 40, 20)
    assert onto(Box(51, 9, 40, 20), line) == Box(51, 9, 40, 20)
    assert onto(Box(50, 60, 40, 20), []) == Box(50, 60, 40, 20)


def test_a_label_follows_the_arrow_of_its_name() -> None:
    drawn = '<path d="M0,0L100,0" id="my-svg-L_a_b_0" …><path d="M0,90L100,90" id="my-svg-L_a_b_1" …>' + LABEL
    assert spaced(drawn.format(50, 60)) == drawn.format("50", "0")


def test_only_the_places_of_labels_are_changed_in_the_drawing() -> None:
    drawn = "<g>" + LABEL.format("10.5", "20") + "…" + LABEL.format("10.5", "200") + "</g>"
    assert spaced(drawn) == drawn
    assert spaced(drawn.replace("200", "24")) == drawn.replace("10.5, 20)", "10.5, 10.5)").replace("200", "33.5")


@pytest.mark.parametrize(
    "line",
    [
        "M0,0A5 5 0 0 1 10 10",
        "M0,0Q5,5 10,0",
        "M0,0H10V5",
        "m0,0l10,5",
        "M0,0L10,5Z",
        "L1,1",
        "M0",
        "M",
        "M0,0L10-5.2.3",
        "",
    ],
)
def test_a_path_that_is_not_understood_is_no_arrow_and_costs_no_picture(line: str) -> None:
    assert points(line) == []
    drawn = f'<path d="{line}" id="my-svg-L_a_b_0"' + LABEL.format(5, 7)
    assert spaced(drawn) == drawn


def test_a_number_may_have_an_exponent() -> None:
    assert points("M1e1,0L2E1,-5e-1")[-1] == (20, -0.5)


@given(st.text("MLCAQHVZmlc0123456789.,-+e \n", max_size=40))
def test_whatever_a_path_says_it_never_raises(line: str) -> None:
    points(line)
