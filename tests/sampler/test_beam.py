"""Search: wide enough it finds the best there are, and looking ahead it finds what others miss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

import condit
from condit import Beam, Constraint, Matcher, NgramModel, Strength, Vocabulary
from condit.constraint.base import Violation
from condit.errors import ArgumentError
from condit.prefer.base import Preference
from condit.sampler.base import Lane, Problem
from condit.sampler.beam import BeamState
from condit.sampler.law import BaseLaw
from condit.testing import World
from condit.trace import StepInfo
from condit.weights import log_mean_exp

WIDE = Beam(width=300, expand=20)


class Preferring(Preference):
    def __init__(self, score: Callable[[str], float], partial: bool = False) -> None:
        self.score = score
        self.partial = partial
        self.texts: list[str] = []

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        self.texts += texts
        return [self.score(text) for text in texts]


@dataclass(frozen=True)
class EvenLength(Constraint):
    """A constraint that can say nothing before the end, nor give a mask."""

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return Patient(vocabulary)

    def violation(self, text: str) -> Violation | None:
        return Violation("the length is odd") if len(text) % 2 else None


class Patient(Matcher):
    strength = Strength.FINAL

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def allows(self, token: int) -> bool:
        return bool(self.vocabulary.bytes[token]) or token == self.vocabulary.end

    def mask(self) -> NDArray[np.uint32] | None:
        return None

    def advance(self, token: int) -> None:
        pass

    def copy(self) -> Matcher:
        return self

    def explain(self, token: int) -> str:
        return "" if self.allows(token) else "not text"


class Branching(NgramModel):
    """A law of the next token for each text, spelled with letters; the rest is spread evenly."""

    def __init__(self, laws: dict[str, dict[str, float]]) -> None:
        super().__init__(Vocabulary.of("abcxyz"), 8, {}, 1.0)
        self.laws = laws

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        law = self.laws.get(self.decode(tokens[1:]), {"": 1.0})
        size = len(self.vocabulary)
        row = np.full(size, (1 - sum(law.values())) / size + 1e-9)
        for letter, mass in law.items():
            row[self.encode(letter)[0] if letter else self.vocabulary.end] += mass
        return np.log(row).astype(np.float32)


# After a everything is dull; b is improbable, and leads to x, which is what is liked.
BRANCHING = Branching(
    {
        "": {"a": 0.8, "b": 0.15},
        "a": {"y": 0.9},
        "b": {"z": 0.5, "x": 0.4},
        "bz": {"x": 0.9},
        "bzx": {"": 0.9},
        "bx": {"": 0.9},
        "ay": {"": 0.9},
    }
)
LIKES_X = Preferring(lambda text: 5.0 if "x" in text else 0.0)


@pytest.fixture
def branching() -> Problem:
    return Problem(BRANCHING, (0,), condit.regex("[abcxyz]*"), lanes=1, max_tokens=4)


def run(sampler: Beam, problem: Problem, seed: int = 0) -> tuple[BeamState, list[StepInfo]]:
    rng = np.random.default_rng(seed)
    state = sampler.init(problem, rng)
    infos = []
    while not state.done:
        after, info = sampler.step(rng, state)
        assert isinstance(after, BeamState)
        state = after
        infos.append(info)
    return state, infos


def texts(state: BeamState) -> list[str]:
    return [state.problem.model.decode(lane.tokens) for lane in state.lanes]


def found(state: BeamState) -> list[Lane]:
    return [lane for lane in state.lanes if lane.log_weight > -math.inf]


def best_spellings(world: World) -> list[tuple[str, float]]:
    """Every text with the mass of its most probable token sequence, the most probable first."""
    best: dict[str, float] = {}
    for tokens, mass in world.probabilities.items():
        text = world.model.decode(tokens)
        best[text] = max(best.get(text, 0.0), mass)
    return sorted(best.items(), key=lambda item: -item[1])


WORLDS: list[Constraint] = [
    condit.regex("(ab|ba|c)*"),
    condit.regex("a[abc]{1,3}"),
    condit.grammar('start: item ("c" item)*\nitem: "a" | "b" item "b"'),
    EvenLength(),
]


@pytest.mark.parametrize("constraint", WORLDS, ids=repr)
def test_a_wide_beam_finds_the_exact_best(letters: NgramModel, constraint: Constraint) -> None:
    world = World(letters, constraint, "ab", 4)
    truth = best_spellings(world)
    n = min(8, len(truth))
    # All prefixes of one length fit into the beam.
    state, _ = run(Beam(width=3000, expand=20), world.problem(n))
    masses = [math.exp(lane.log_probability) for lane in state.lanes]
    assert masses == pytest.approx([mass for _, mass in truth[:n]], rel=1e-5)
    assert [world.probabilities[tuple(lane.tokens)] for lane in state.lanes] == pytest.approx(
        masses
    )
    assert len(set(texts(state))) == n
    assert {lane.finish_reason for lane in state.lanes} == {"stop"}


@pytest.mark.parametrize("sampler", [Beam(width=1), Beam(width=4), Beam(width=40, expand=2), WIDE])
@pytest.mark.parametrize("constraint", WORLDS, ids=repr)
def test_the_evidence_is_a_lower_bound(
    letters: NgramModel, constraint: Constraint, sampler: Beam
) -> None:
    world = World(letters, constraint, "ab", 4)
    state, _ = run(sampler, world.problem(min(sampler.width, 50)))
    bound = log_mean_exp(state.log_weights) + state.log_evidence
    assert bound == pytest.approx(
        math.log(math.fsum(math.exp(lane.log_probability) for lane in found(state)))
    )
    assert bound <= math.log(world.evidence) + 1e-6


def test_found_texts_are_a_lower_bound_with_a_preference(letters: NgramModel) -> None:
    world = World(letters, condit.regex("[abc]{0,3}"), "ab", 3)
    preference = Preferring(lambda text: 0.5 * len(text))
    truth = [mass * math.exp(0.5 * len(text)) for text, mass in best_spellings(world)]
    problem = replace(world.problem(len(truth)), preference=preference)
    state, _ = run(WIDE, problem)
    assert log_mean_exp(state.log_weights) == pytest.approx(math.log(math.fsum(truth)))
    for lane, text in zip(state.lanes, texts(state), strict=True):
        assert lane.log_preference == 0.5 * len(text)
        log_mass = lane.log_probability + lane.log_preference
        assert lane.log_weight == pytest.approx(log_mass + math.log(len(truth)))
    assert state.log_weights == sorted(state.log_weights, reverse=True)


def test_nothing_is_random(letters: NgramModel) -> None:
    problem = World(letters, condit.regex("(ab|ba|c)*"), "ab", 6).problem(3)
    assert texts(run(Beam(), problem, 0)[0]) == texts(run(Beam(), problem, 1)[0])


def test_it_stops_when_nothing_better_can_come(letters: NgramModel) -> None:
    problem = World(letters, condit.regex("[abc]*"), "ab", 200).problem(2)
    state, infos = run(Beam(), problem)
    assert len(infos) < 10
    assert infos[-1].note.startswith("0 texts are open")
    # Whatever was still open was less probable than the second best.
    least = state.lanes[1].log_probability
    assert all(lane.log_probability >= least for lane in state.lanes)


def test_finished_texts_are_not_pushed_out_by_unfinished_ones() -> None:
    """Ending at once (0.3) is better than all that comes of more probable beginnings."""
    model = Branching(
        {
            "": {"a": 0.35, "b": 0.33, "": 0.3},
            **{first: {"x": 0.5, "y": 0.4} for first in "ab"},
        }
    )
    problem = Problem(model, (0,), condit.regex("([ab][xy])?"), lanes=1, max_tokens=4)
    state, _ = run(Beam(width=2), problem)
    assert texts(state) == [""]
    assert state.lanes[0].log_probability == pytest.approx(math.log(0.3), abs=0.01)


@pytest.mark.parametrize("constraint", [condit.regex("[abcxyz]*"), None])
def test_looking_ahead_finds_what_plain_search_misses(
    branching: Problem, constraint: Constraint | None
) -> None:
    problem = replace(branching, constraint=constraint, preference=LIKES_X)
    # What the most probable beginning leads to is liked less: b leads to bzx, as 3 tokens show.
    best = {look_ahead: texts(run(Beam(1, 3, look_ahead), problem)[0]) for look_ahead in (0, 3)}
    assert best == {0: ["ay"], 3: ["bzx"]}
    # A preference that scores the text so far needs to see only the x.
    partial = replace(problem, preference=Preferring(LIKES_X.score, partial=True))
    assert texts(run(Beam(1, 3, 0), partial)[0]) == ["ay"]
    assert texts(run(Beam(1, 3, 1), partial)[0]) == ["ay"]
    assert texts(run(Beam(1, 3, 2), partial)[0])[0].startswith("b")


def test_unfinished_texts_are_scored_only_where_that_is_possible(branching: Problem) -> None:
    final = Preferring(lambda text: float(len(text)))
    run(Beam(width=4, look_ahead=2), replace(branching, preference=final))
    assert "" in final.texts  # of those that may end at once
    assert all(condit.regex("[abcxyz]*").accepts(text) for text in final.texts)
    only = condit.regex("bzx|ayy")
    ends = Preferring(lambda text: float(len(text)))
    run(Beam(width=4, look_ahead=1), replace(branching, constraint=only, preference=ends))
    assert set(ends.texts) == {"bzx", "ayy"}
    steered = Preferring(lambda text: float(len(text)), partial=True)
    run(Beam(width=4), replace(branching, constraint=only, preference=steered))
    assert {"a", "b", "bz", "bzx"} <= set(steered.texts)


def test_looking_ahead_avoids_dead_ends() -> None:
    laws = {"": {"a": 0.6, "b": 0.39}, "a": {"x": 0.5, "y": 0.4}, "b": {"x": 0.9}, "bx": {"": 0.9}}
    # Of what may follow a, top-k leaves nothing.
    problem = Problem(
        Branching(laws), (0,), condit.regex("az|bx"), 1, 4, BaseLaw(top_k=2), preference=LIKES_X
    )
    nothing, _ = run(Beam(width=1), problem)
    assert nothing.lanes[0].finish_reason == "dead_end"
    assert nothing.log_weights == [-math.inf]
    assert texts(run(Beam(width=1, look_ahead=1), problem)[0]) == ["bx"]


def test_without_a_preference_looking_ahead_changes_nothing(branching: Problem) -> None:
    plain, _ = run(Beam(), branching)
    ahead, _ = run(Beam(look_ahead=3), branching)
    assert texts(plain) == texts(ahead)
    assert plain.positions_forwarded == ahead.positions_forwarded


def test_texts_that_are_never_preferred_are_not_found(branching: Problem) -> None:
    for partial in (False, True):
        never = Preferring(lambda text: -math.inf if "a" in text else 0.0, partial)
        state, _ = run(Beam(), replace(branching, lanes=8, preference=never))
        assert found(state)
        assert not any("a" in branching.model.decode(lane.tokens) for lane in found(state))


def test_with_a_preference_it_stops_when_the_width_is_finished(letters: NgramModel) -> None:
    preference = Preferring(lambda text: 0.0)
    problem = World(letters, condit.regex("[abc]*"), "ab", 200).problem(2)
    state, infos = run(Beam(width=4), replace(problem, preference=preference))
    assert len(state.found) == 4
    assert len(infos) < 20
    assert len(found(state)) == 2


def test_a_length_penalty_favours_longer_texts() -> None:
    laws = {"": {"a": 0.5, "": 0.4}, "a": {"b": 0.8}, "ab": {"": 0.8}}
    problem = Problem(Branching(laws), (0,), condit.regex("(ab)?"), lanes=1, max_tokens=4)
    assert texts(run(Beam(), problem)[0]) == [""]
    assert texts(run(Beam(length_penalty=1.0), problem)[0]) == ["ab"]


def test_improbable_tokens_are_found_down_to_the_last() -> None:
    """Masses that 32 bits cannot tell from 0 beside the others, with a mask and without one."""

    class Steep(NgramModel):
        def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
            row = np.array([0, -50, -150, -400, -1000, -1000, -2000], dtype=np.float32)
            return row if len(tokens) == 1 else -row

    model = Steep(Vocabulary.of("abcxyz"), 2, {}, 1.0)
    for constraint in (condit.regex("[bcxyz]?"), condit.regex("[bcxyz]?") and EvenLength()):
        state, _ = run(Beam(), Problem(model, (0,), constraint, lanes=1, max_tokens=2))
        assert state.lanes[0].finish_reason == "stop"
    problem = Problem(model, (0,), condit.regex("[bcxyz]"), lanes=5, max_tokens=2)
    assert texts(run(Beam(), problem)[0]) == ["b", "c", "x", "y", "z"]
    problem = replace(problem, constraint=None, max_tokens=1, lanes=7)
    assert texts(run(Beam(), problem)[0]) == ["a", "b", "c", "x", "y", "z", ""]


def test_near_the_budget_only_what_can_still_finish_is_kept(letters: NgramModel) -> None:
    constraint = condit.regex("(abc)+|c{5}")
    problem = Problem(letters, (3,), constraint, lanes=4, max_tokens=6, finish=True)
    state, infos = run(Beam(width=60, expand=7), problem)
    assert all(constraint.accepts(text) for text in texts(state)[: len(found(state))])
    assert set(texts(state)[: len(found(state))]) >= {"abc", "abcabc", "ccccc"}
    # There masks are only outlines, and single tokens are asked about.
    assert sum(info.checks for info in infos) > 0


def test_what_is_refused_by_the_oracle_is_not_found(letters: NgramModel) -> None:
    state, infos = run(Beam(width=30), World(letters, EvenLength(), "ab", 3).problem(10))
    assert all(len(text) % 2 == 0 for text in texts(state))
    assert infos[0].masks == 0
    assert sum(info.checks for info in infos) > 0


def test_lanes_without_a_text_are_rejected(letters: NgramModel) -> None:
    state, _ = run(Beam(), World(letters, condit.choice(["ab", "ca"]), "ab", 5).problem(4))
    assert [lane.finish_reason for lane in state.lanes] == ["stop", "stop", "rejected", "rejected"]
    assert state.log_weights[2:] == [-math.inf] * 2
    nothing, _ = run(Beam(), World(letters, condit.regex("(abc){4}"), "ab", 2).problem(2))
    assert [lane.finish_reason for lane in nothing.lanes] == ["length"] * 2
    with pytest.raises(condit.errors.BudgetError):
        condit.generate(letters, "ab", condit.regex("(abc){4}"), max_tokens=2, sampler="beam")


def test_without_a_constraint_texts_are_cut_at_the_budget(letters: NgramModel) -> None:
    state, _ = run(WIDE, Problem(letters, (3,), None, lanes=300, max_tokens=2))
    assert {lane.finish_reason for lane in found(state)} == {"stop", "length"}
    # All there is, but for second spellings.
    assert 0.9 < math.exp(log_mean_exp(state.log_weights)) <= 1 + 1e-6


def test_the_trace_tells_the_mass_that_was_allowed(branching: Problem) -> None:
    only = replace(branching, constraint=condit.regex("bx|bz"), lanes=2)
    _, infos = run(Beam(), only)
    assert [drawn.token for drawn in infos[0].draws] == [1]
    assert math.exp(infos[0].draws[0].log_allowed) == pytest.approx(0.15, abs=0.01)
    assert len(infos[1].draws) == 2
    assert math.exp(infos[1].draws[0].log_allowed) == pytest.approx(0.9, abs=0.03)
    # Both end, and each continues a text of its own.
    assert [(drawn.attempt, drawn.token) for drawn in infos[2].draws] == [(0, 6), (1, 6)]
    assert sorted(infos[2].ancestors) == [0, 1]
    assert infos[1].ancestors == (0, 0)
    assert infos[2].effective_sample_size > 1


def test_temperature_zero_is_taken_as_one(branching: Problem) -> None:
    cold, _ = run(Beam(), replace(branching, law=BaseLaw(temperature=0)))
    assert cold.lanes[0].tokens == run(Beam(), branching)[0].lanes[0].tokens
    assert cold.lanes[0].log_probability < 0


def test_through_the_verb(letters: NgramModel) -> None:
    result = condit.generate(
        letters, "ab", condit.regex("(ab|ba|c)+"), n=3, max_tokens=6, sampler="beam"
    )
    assert result.report.guarantee is condit.Guarantee.SEARCH
    assert result.best == result.samples[0]
    assert result.distinct == 3
    assert result.report.log_lower_bound == pytest.approx(result.log_evidence)


def test_what_cannot_be_asked_for(branching: Problem, rng: np.random.Generator) -> None:
    with pytest.raises(ArgumentError, match=r"width=2 cannot find n=3 texts"):
        Beam(width=2).init(replace(branching, lanes=3), rng)
    for name, value in (("width", 0), ("expand", 0), ("look_ahead", -1), ("length_penalty", -0.5)):
        with pytest.raises(ArgumentError, match=f"{name} must be"):
            Beam(**{name: value})
