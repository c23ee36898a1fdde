"""Worlds of a real model: the walk, the truth, and the replay that counts as a cache would."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import condit
from condit.errors import ArgumentError, ModelError, UnsatisfiableError
from condit.model.base import as_float32
from condit.sampler.base import Sampler
from condit.sampler.kernels import allowed_tokens
from condit.sampler.law import BaseLaw
from condit.testing import (
    BrokenLawError,
    FiniteWorld,
    World,
    check_decoder,
    check_sampler,
    kullback_leibler,
    total_variation,
)
from condit.testing.recorded import RecordedDecoder
from condit.testing.samplers import run_to_the_end

PATTERN = "(ab|ba|c)*"


def finite(letters: condit.NgramModel, *, others: int = 512, temperature: float = 1) -> FiniteWorld:
    law = BaseLaw(temperature=temperature)
    return FiniteWorld.walk(letters, condit.regex(PATTERN), "ab", 4, law=law, others=others)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_it_agrees_with_enumeration(letters: condit.NgramModel, temperature: float) -> None:
    law = BaseLaw(temperature=temperature)
    enumerated = World(letters, condit.regex(PATTERN), "ab", 4, law)
    world = finite(letters, temperature=temperature)
    own = {
        tuple(int(world.ids[token]) for token in tokens): mass
        for tokens, mass in world.probabilities.items()
    }
    assert own == pytest.approx(enumerated.probabilities, rel=1e-6)
    assert world.evidence == pytest.approx(enumerated.evidence, rel=1e-6)
    assert math.fsum(world.posterior.values()) == pytest.approx(1)


def test_tokens_that_are_left_out_keep_their_mass() -> None:
    model = condit.NgramModel.train(["yes", "no", "maybe so"], order=2, smoothing=1)
    constraint = condit.regex("(yes|no)")
    small = FiniteWorld.walk(model, constraint, "", 4, others=3)
    whole = FiniteWorld.walk(model, constraint, "", 4, others=300)
    assert len(small.model.vocabulary) == 5 + 1 + 3 + 1  # letters, end, others, the rest
    assert len(whole.model.vocabulary) == 258
    texts = {small.model.decode(tokens) for tokens in small.probabilities}
    assert texts == {"yes", "no"}
    assert small.evidence == pytest.approx(whole.evidence, rel=1e-6)
    rest = small.model.rest
    assert not small.allowed[:, rest].any()
    assert np.isfinite(small.model.table[:, rest]).all()
    assert np.isneginf(whole.model.table[:, whole.model.rest]).all()
    total = np.logaddexp.reduce(small.model.table.astype(np.float64), axis=1)
    assert total == pytest.approx(np.zeros(len(total)), abs=1e-6)


@pytest.mark.parametrize("others", [0, 512])
def test_the_constraint_allows_the_same_over_fewer_tokens(
    letters: condit.NgramModel, others: int
) -> None:
    world = finite(letters, others=others)
    for prefix, row in world.model.rows.items():
        matcher = world.constraint.bind(world.model.vocabulary)
        for token in prefix:
            matcher.advance(token)
        assert allowed_tokens(matcher).tolist() == world.allowed[row].tolist()


@pytest.mark.parametrize("sampler", [condit.Masked(), condit.SMC()], ids=repr)
def test_samplers_obey_their_laws_there(letters: condit.NgramModel, sampler: Sampler) -> None:
    check_sampler(sampler, finite(letters, others=0), runs=300)


def test_the_law_of_masked_draws_is_known(letters: condit.NgramModel) -> None:
    world = finite(letters)
    runs = 4000
    drawn: dict[tuple[int, ...], float] = dict.fromkeys(world.masked_law, 0.0)
    finished = 0
    state = run_to_the_end(condit.Masked(), world, runs, seed=1)
    for lane in state.lanes:
        if lane.finish_reason == "stop":
            drawn[tuple(lane.tokens)] += 1
            finished += 1
    assert finished < runs  # some met the budget unfinished
    # Pearson's statistic: mean len - 1, and far less than twice that in all but 1e-9 of cases.
    statistic = sum(
        (drawn[tokens] - finished * mass) ** 2 / (finished * mass)
        for tokens, mass in world.masked_law.items()
    )
    assert statistic < 2 * len(drawn)
    assert total_variation(world.masked_law, world.posterior) > 0.05


def test_it_replays_the_recorded_prompt_and_nothing_else(letters: condit.NgramModel) -> None:
    model = finite(letters).model
    assert model.encode_prompt("ab") == [model.rest]
    assert model.encode("ab") == letters.encode("ab")
    with pytest.raises(ModelError, match="recorded after 'ab', not after 'b'"):
        model.encode_prompt("b")
    with pytest.raises(ModelError, match="no law after 'aa'"):
        model.start([model.rest, 0, 0])
    with pytest.raises(ModelError, match="stands for the recorded prompt"):
        model.start([0])
    result = condit.generate(model, "ab", condit.regex(PATTERN), n=3, max_tokens=4, seed=0)
    assert result.samples


def test_positions_count_as_in_a_cache_of_shared_cells(letters: condit.NgramModel) -> None:
    model = finite(letters).model
    decoder = model.start([model.rest], lanes=3)
    assert decoder.positions_forwarded == 1
    decoder.advance([[0], [0], [2]])
    assert decoder.positions_forwarded == 1 + 2  # two lanes agree
    decoder.advance([[1, 2], [1], []])
    assert decoder.positions_forwarded == 3 + 2
    decoder.rewind([0, 2, 1])
    decoder.advance([[0], [], []])
    assert decoder.positions_forwarded == 5 + 1  # forwarded before, but the lane let it go
    decoder.advance([[1], [2], []])
    assert decoder.positions_forwarded == 6 + 2  # one prefix, but computed twice
    with pytest.raises(ModelError):
        decoder.advance([[0, 0], [], []])
    assert decoder.lengths == (2, 3, 1)


def test_its_decoder_obeys(rng: np.random.Generator) -> None:
    model = condit.NgramModel.train(["ab"], vocabulary=condit.Vocabulary.of(["a", "b"]), order=3)
    world = FiniteWorld.walk(model, condit.regex("[ab]{0,6}"), "ab", 6)
    replay = world.model
    assert len(replay.rows) == sum(2**length for length in range(7))
    decoder = replay.start([replay.rest], lanes=2)
    assert isinstance(decoder, RecordedDecoder)
    for prefix in itertools.product([0, 1], repeat=3):
        decoder.advance([prefix, prefix[:1]])
        fresh = as_float32(model.start([0, 1, *prefix]).logits[0])
        np.testing.assert_allclose(as_float32(decoder.logits[0])[:3], fresh, atol=1e-6)
        decoder.fork([1, 0])
        decoder.rewind([0, 0])
        assert decoder.logits[0] is not None
    with pytest.raises(ModelError):
        check_decoder(replay, rng)  # it makes up prompts of its own


def test_what_cannot_be_walked_says_why(letters: condit.NgramModel) -> None:
    with pytest.raises(ArgumentError, match="more than 50 prefixes"):
        FiniteWorld.walk(letters, condit.regex("[abc]*"), "ab", 9, limit=50)
    with pytest.raises(UnsatisfiableError, match="at most 1 tokens"):
        FiniteWorld.walk(letters, condit.regex("ccc"), "ab", 1)
    with pytest.raises(ArgumentError, match="temperature"):
        FiniteWorld.walk(letters, condit.regex("c"), "ab", 1, law=BaseLaw(top_k=3))


def test_matcher_and_oracle_must_agree(letters: condit.NgramModel) -> None:
    class Contrary(condit.Constraint):
        def bind(self, vocabulary: condit.Vocabulary) -> condit.Matcher:
            return condit.regex("c|cc").bind(vocabulary)

        def violation(self, text: str) -> condit.Violation | None:
            return None if text == "c" else condit.Violation("not c")

    with pytest.raises(BrokenLawError, match="'cc' may end"):
        FiniteWorld.walk(letters, Contrary(), "ab", 2)


def test_distances() -> None:
    p, q = {"a": 0.5, "b": 0.5}, {"a": 0.25, "c": 0.75}
    assert total_variation(p, q) == total_variation(q, p) == 0.75
    assert total_variation(p, p) == 0
    assert kullback_leibler(p, p) == 0
    assert kullback_leibler(p, q) == math.inf
    assert kullback_leibler({"a": 1.0, "b": 0.0}, q) == pytest.approx(math.log(4))


@pytest.mark.model
def test_smollm2_says_the_same_when_asked_afresh(smollm2_in_32_bits: condit.Model) -> None:
    model = smollm2_in_32_bits
    prompt = "The opposite of yes is"
    world = FiniteWorld.walk(model, condit.regex(" (no|nay|never)"), prompt, 3)
    texts = {world.model.decode(tokens) for tokens in world.probabilities}
    assert texts == {" no", " nay", " never"}
    assert len(world.probabilities) > 6  # spellings
    ids = model.encode_prompt(prompt)
    ends = sorted(model.vocabulary.ends)
    for tokens, mass in itertools.islice(world.probabilities.items(), 0, None, 3):
        own = [int(world.ids[token]) for token in tokens]
        assert model.decode(own) == world.model.decode(tokens)
        log_mass = 0.0
        for place in range(len(own) + 1):
            row = as_float32(model.start([*ids, *own[:place]]).logits[0]).astype(np.float64)
            asked = own[place : place + 1] or ends
            log_mass += np.logaddexp.reduce(row[asked]) - np.logaddexp.reduce(row)
        assert math.log(mass) == pytest.approx(log_mass, abs=2e-4)
