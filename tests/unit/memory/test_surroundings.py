"""Meaning in context: neighbours help, and nothing of a forgotten message stays in them."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.surroundings import Surroundings
from bot.memory.timeline import Timeline
from bot.memory.vectors import Vector, Vectors

LANE = (0, None)
WIDTH = 8


class Talk:
    """Messages with vectors, one a second."""

    def __init__(self) -> None:
        self.timeline = Timeline(pause_s=60)
        self.vectors = Vectors(WIDTH)
        self.around = Surroundings(self.vectors, self.timeline)
        self.rows = 0

    def say(self, row: int, at: float, vector: Vector | None) -> None:
        self.rows = max(self.rows, row + 1)
        self.timeline.add(row, LANE, at)
        self.around.touch(row)
        if vector is not None:
            self.vectors.put(row, vector)
            self.around.touch(row)

    def forget(self, row: int, at: float) -> None:
        self.around.touch(row)
        self.vectors.remove(row)
        self.timeline.remove(row, LANE, at)

    def near(self, query: Vector) -> list[float]:
        return [round(float(score), 4) for score in self.around.similarity(query, self.rows)]


def about(concept: int) -> Vector:
    vector = np.full(WIDTH, 0.05)
    vector[concept] = 1
    normalised: Vector = (vector / np.linalg.norm(vector)).astype(np.float16)
    return normalised


def test_a_message_between_others_of_the_matter_is_nearer_than_one_alone() -> None:
    talk = Talk()
    for row, concept in enumerate((1, 2, 1)):
        talk.say(row, row, about(concept))
    talk.say(3, 1000, about(2))
    near = talk.near(about(1))
    assert near[1] > near[3]
    assert near[0] > near[1]


def test_a_row_without_a_vector_is_near_to_nothing() -> None:
    talk = Talk()
    talk.say(0, 0, about(1))
    talk.say(1, 1, None)
    assert talk.near(about(1))[1] == 0


def test_an_empty_talk_has_nothing_near() -> None:
    assert Talk().near(about(1)) == []


@given(st.lists(st.integers(0, WIDTH - 1), min_size=1, max_size=14), st.data(), st.randoms())
def test_after_any_forgetting_the_rest_is_as_near_as_if_the_forgotten_had_never_been_said(
    concepts: list[int], data: st.DataObject, chance: random.Random
) -> None:
    gone = set(data.draw(st.lists(st.sampled_from(range(len(concepts))), unique=True)))
    order = list(range(len(concepts)))
    chance.shuffle(order)
    talk, never = Talk(), Talk()
    for row in order:
        talk.say(row, row, about(concepts[row]))
    talk.near(about(0))
    for row in gone:
        talk.forget(row, row)
    for row in order:
        if row not in gone:
            never.say(row, row, about(concepts[row]))
    kept = [row for row in order if row not in gone]
    assert [talk.near(about(0))[row] for row in kept] == [never.near(about(0))[row] for row in kept]
