"""Which lanes wait, where, and which of them are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import condit
from condit import SMC, NgramModel, Vocabulary
from condit.constraint.base import Constraint
from condit.constraint.boundary import START, Boundary
from condit.errors import ArgumentError
from condit.sampler.base import Lane, Problem
from condit.sampler.meeting import Meeting

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "array"}, "b": {}, "c": {"type": "integer"}},
    "additionalProperties": False,
}


@pytest.fixture
def model() -> NgramModel:
    return NgramModel.train(["abc"])


def problem_of(model: NgramModel, constraint: Constraint | None) -> Problem:
    return Problem(model, (), constraint, 1, 100)


def structured_of(model: NgramModel) -> Problem:
    return problem_of(model, condit.json_schema(SCHEMA))


def lane(problem: Problem, text: str) -> Lane:
    made = Lane(problem.bind(), np.random.default_rng(0))
    grow(made, text)
    return made


def grow(lane: Lane, text: str) -> None:
    for byte in text.encode():
        if lane.matcher is not None:
            lane.matcher.advance(byte)
        lane.tokens.append(byte)


def arrived(problem: Problem, text: str, *, every_token: bool = False) -> list[str]:
    """The beginnings of a text at which a lane waits."""
    one = lane(problem, "")
    places: list[str] = []
    for place in range(len(text)):
        grow(one, text[place])
        meeting = Meeting(problem, [one], every_token=every_token)
        assert meeting.arrive([one]) == one.waits
        if one.waits:
            assert meeting.groups([one]) == [[0]]
            places.append(text[: place + 1])
        one.waits = False
    return places


def test_lanes_wait_where_values_begin(model: NgramModel) -> None:
    problem = structured_of(model)
    text = '{"a":["x",12],"c":3}'
    places = ['{"a":[', '{"a":["', '{"a":["x",1', '{"a":["x",12],"c":3']
    assert arrived(problem, text) == ["{", *places]


def test_elsewhere_they_wait_where_literal_text_ends(model: NgramModel) -> None:
    # Of what could have gone on, one byte is sure: no literal, as each comma of a list would be.
    assert arrived(problem_of(model, condit.regex("[ab]+: [ab],[ab]")), "ab: a,b") == []
    problem = problem_of(model, condit.regex("name: [ab]+, age: [0-9],[ab]; [ab]"))
    literals = ["name: ", "name: ab, age: ", "name: ab, age: 4,b; "]
    assert arrived(problem, "name: ab, age: 4,b; a") == literals


def test_without_a_constraint_in_short_texts_or_where_prefixes_are_judged_they_wait_at_each_token(
    model: NgramModel,
) -> None:
    each = ["a", "ab", "abc"]
    assert arrived(problem_of(model, None), "abc") == each
    flat = problem_of(model, condit.regex("[abc]+"))
    assert arrived(flat, "abc") == []
    assert arrived(flat, "abc", every_token=True) == each
    assert arrived(replace(flat, max_tokens=33), "abc") == []
    assert arrived(replace(flat, max_tokens=32), "abc") == each
    assert arrived(problem_of(model, condit.choice("ax", "by")), "ax") == ["a", "ax"]
    assert arrived(replace(structured_of(model), max_tokens=9), '{"b":12') == ["{", '{"b":1']
    judged = replace(flat, preference=condit.prefer(len, partial=True))
    assert arrived(judged, "abc") == each
    assert arrived(replace(flat, preference=condit.prefer(len)), "abc") == []


def test_those_who_are_least_far_go_on_each_with_its_like(model: NgramModel) -> None:
    problem = structured_of(model)
    texts = ['{"b":"', '{"b":1', '{"c":1', '{"b": 2', '{"a":["', '{"b":["']
    lanes = [lane(problem, text) for text in texts]
    meeting = Meeting(problem, lanes, every_token=False)
    assert meeting.arrive(lanes)
    assert meeting.groups(lanes) == [[4]]  # in the array that comes first
    grow(lanes[4], '"],"b":0')
    lanes[4].waits = False
    assert meeting.arrive(lanes)
    # The last is in the array already, and so further on.
    assert sorted(meeting.groups(lanes)) == [[0], [1, 3, 4]]
    for index in (0, 1, 3, 4):
        lanes[index].finish_reason = "stop"
    assert meeting.groups(lanes) == [[5]]
    assert meeting.groups(lanes[:2]) == []


def test_nobody_goes_on_before_all_have_arrived(model: NgramModel) -> None:
    problem = structured_of(model)
    lanes = [lane(problem, text) for text in ('{"b":1', "")]
    meeting = Meeting(problem, lanes, every_token=False)
    assert not meeting.arrive(lanes)
    assert lanes[0].waits
    assert lanes[1].boundary == START
    grow(lanes[1], "{")
    assert meeting.arrive(lanes)
    assert lanes[1].boundary == Boundary((), "object")
    assert meeting.groups(lanes) == [[1]]


def test_who_will_probably_be_compared(model: NgramModel) -> None:
    """Lanes that grow are taken to come to where most of those stand that go on first."""
    problem = structured_of(model)
    lanes = [lane(problem, text) for text in ('{"a":[', '{"b":1', "{", '{"b":2', '{"b":[')]
    meeting = Meeting(problem, lanes, every_token=False)
    meeting.arrive(lanes)
    lanes[2].waits = False
    assert meeting.groups(lanes) == [[2]]
    assert meeting.expected_groups(lanes) == [[0, 2]]
    lanes[0].waits = False
    assert meeting.expected_groups(lanes) == [[0, 1, 2, 3], [4]]
    for each in lanes:
        each.waits = False
    assert meeting.expected_groups(lanes) == []


def test_where_lanes_are_compared_is_one_of_two_places() -> None:
    assert SMC(compare_at="token") != SMC()
    with pytest.raises(ArgumentError, match="compare_at must be 'boundary' or 'token', not 'tok'"):
        SMC(compare_at="tok")


def test_a_group_keeps_its_weight() -> None:
    """Whatever is resampled, the sum of all weights stays the same in that step."""
    vocabulary = Vocabulary.of(['{"a":[', "]", "}", "1", "2", ",", ',"c":', '{"c":', "0"])
    texts = ['{"a":[1,2],"c":1}', '{"a":[1],"c":2}', '{"c":1}', '{"a":[2,2,1]}', "12]"]
    model = NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=0.5)
    sampler = SMC("masked", threshold=1.0)
    resamplings = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        problem = Problem(model, (0,), condit.json_schema(SCHEMA), 8, 10)
        state = sampler.init(problem, rng)
        while not state.done:
            before = [each.log_weight for each in state.lanes]
            state, info = sampler.step(rng, state)
            for drawn in info.draws:
                assert drawn.lane is not None
                before[drawn.lane] = drawn.log_weight
            if info.ancestors:
                resamplings += 1
                assert state.log_weights != before
            assert np.exp(state.log_weights).sum() == pytest.approx(np.exp(before).sum())
    assert resamplings > 10
