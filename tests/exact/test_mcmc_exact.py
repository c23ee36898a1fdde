"""Markov chains on worlds so small that the whole transition matrix is known.

The probability of each draft, ``q``, is computed here from the model's law and the matcher alone,
as a sum over all positions. With the sampler's acceptance ratio, from which that sum has been
cancelled, it must keep the posterior; and where chains are after a few moves must follow the masked
law, moved as often by that matrix. Tests of frequencies fail a correct sampler with probability at
most 1e-6 each.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

import condit
from condit import NgramModel, Vocabulary
from condit.prefer.base import Preference
from condit.prefer.score import prefer
from condit.sampler.base import Problem
from condit.sampler.kernels import allowed_tokens
from condit.sampler.mcmc import MCMC, PROPOSALS, ChainsState, Draft, Place, log_value
from condit.testing import World
from condit.testing.laws import p_values_of_means

Matrix = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Chains:
    """Every text of a world with its laws, worked out without the sampler.

    Attributes:
        problem: the problem, for one lane.
        texts: every token sequence that the target gives mass to, ends left out.
        target: the posterior of each.
        masked: the law of masked draws that turn out valid.
        evidence: the mass of all, preference included.
        drafts: each text as the sampler would hold it; as start_weight, the entropy of each place.
    """

    problem: Problem
    texts: list[tuple[int, ...]]
    target: Matrix
    masked: Matrix
    evidence: float
    drafts: list[Draft]


def chains_of(
    world: World, *, finish: bool = False, preference: Preference | None = None
) -> Chains:
    problem = dataclasses.replace(world.problem(1), finish=finish, preference=preference)
    end = world.model.vocabulary.end
    root = problem.bind()
    assert root is not None
    laws: dict[tuple[int, ...], tuple[Matrix, Matrix, NDArray[np.bool_]]] = {}

    def laws_after(prefix: tuple[int, ...]) -> tuple[Matrix, Matrix, NDArray[np.bool_]]:
        """The base law, the local law of moves, and what is allowed."""
        if prefix not in laws:
            matcher = root.copy()
            for token in prefix:
                matcher.advance(token)
            around = matcher.outline().tokens(len(matcher.vocabulary))
            assert around is not None
            base = world.next_token(prefix)
            local = np.where(around, base, 0)
            allowed = allowed_tokens(matcher)
            laws[prefix] = base, local / local.sum(), allowed
        return laws[prefix]

    texts, masses, masked, drafts = [], [], [], []
    for tokens in world.probabilities:
        sequence = (*tokens, end)
        if not all(laws_after(sequence[:k])[2][token] for k, token in enumerate(sequence)):
            continue
        draft = Draft(None, np.random.default_rng())
        reached = 1.0
        for k, token in enumerate(sequence):
            base, local, allowed = laws_after(sequence[:k])
            reached *= base[token] / base[allowed].sum()
            some = local[local > 0]
            log_probability = math.log(base[token])
            log_mass = log_probability - math.log(local[token])
            draft.append(Place(token, log_probability, log_mass, -float(some @ np.log(some))), end)
        if preference is not None:
            draft.log_preference = preference.log_weights([world.model.decode(tokens)])[0]
        texts.append(tokens)
        masses.append(math.exp(draft.log_probability + draft.log_preference))
        masked.append(reached)
        drafts.append(draft)
    evidence = math.fsum(masses)
    return Chains(
        problem,
        texts,
        np.array(masses) / evidence,
        np.array(masked) / math.fsum(masked),
        evidence,
        drafts,
    )


def letters(pattern: str, max_tokens: int) -> World:
    vocabulary = Vocabulary.of(["a", "b", "c", "ab", "bc", "a"])
    texts = ["abcab", "bca", "aabbcc", "cab", "abab", "ca", "bab", "a", "aca"]
    model = NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=1.5)
    return World(model, condit.regex(pattern), "ab", max_tokens)


PREFERENCE = prefer(lambda text: -0.7 * text.count("a"))

WORLDS = {
    "several spellings, some drafts too long": lambda: chains_of(letters("(ab|ba|c)*", 3)),
    "low mass": lambda: chains_of(letters("a[abc]{1,2}", 3)),
    "near the budget, some texts refused": lambda: chains_of(
        letters("(b|ca|cb)*(aab|c)", 3), finish=True
    ),
    "with a preference": lambda: chains_of(letters("[ac]*b", 3), preference=PREFERENCE),
}


@cache
def world_of(name: str) -> Chains:
    return WORLDS[name]()


def opened(proposal: str, draft: Draft) -> Draft:
    """The draft as the proposal would see it."""
    return dataclasses.replace(
        draft,
        places=[
            place._replace(start_weight=float(proposal == "uniform" or k == 0))
            if proposal != "entropy"
            else place
            for k, place in enumerate(draft.places)
        ],
    )


def drafted(proposal: str, world: Chains) -> Matrix:
    """``q(x'|x)`` for every pair, as its definition says."""
    matrix = np.zeros((len(world.texts), len(world.texts)))
    for row, old in enumerate(world.drafts):
        count = len(old.places)
        picked = np.eye(count)[0] if proposal == "restart" else np.full(count, 1 / count)
        entropies = np.array([place.start_weight for place in old.places])
        if proposal == "entropy" and entropies.any():
            picked = entropies / entropies.sum()
        for column, new in enumerate(world.drafts):
            for i in range(min(count, len(new.places))):
                if i and old.places[i - 1].token != new.places[i - 1].token:
                    break
                log_local = sum(p.log_probability - p.log_mass for p in new.places[i:])
                matrix[row, column] += picked[i] * math.exp(log_local)
    return matrix


def transitions(drafts: Matrix, log_ratios: Matrix) -> Matrix:
    """The matrix of a chain that stays where a draft is refused or ends in vain."""
    matrix = drafts * np.exp(np.minimum(log_ratios, 0))
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, 1 - matrix.sum(axis=1))
    return matrix


def chain_matrix(proposal: str, world: Chains) -> Matrix:
    values = np.array([log_value(opened(proposal, draft)) for draft in world.drafts])
    return transitions(drafted(proposal, world), values[None, :] - values[:, None])


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("proposal", PROPOSALS)
def test_moves_keep_the_posterior(proposal: str, name: str) -> None:
    world = world_of(name)
    assert len(world.texts) >= 4
    assert (drafted(proposal, world).sum(axis=1) <= 1 + 1e-6).all()
    matrix = chain_matrix(proposal, world)
    flow = world.target[:, None] * matrix
    assert flow == pytest.approx(flow.T, abs=1e-12)  # detailed balance
    assert world.target @ matrix == pytest.approx(world.target, abs=1e-12)
    # From anywhere, it is where chains end up.
    far = np.linalg.matrix_power(matrix, 1000)
    assert far == pytest.approx(np.tile(world.target, (len(far), 1)), abs=1e-6)


@pytest.mark.parametrize("proposal", ["uniform", "entropy"])
def test_a_ratio_that_forgets_how_positions_are_picked_is_noticed(proposal: str) -> None:
    world = world_of("several spellings, some drafts too long")
    values = np.array([log_value(opened("restart", draft)) for draft in world.drafts])
    matrix = transitions(drafted(proposal, world), values[None, :] - values[:, None])
    assert np.abs(world.target @ matrix - world.target).max() > 1e-3


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("proposal", PROPOSALS)
def test_drafts_and_moves_from_one_text(proposal: str, name: str) -> None:
    """A thousand chains are put at the same text, and move once."""
    world = world_of(name)
    here = max(range(len(world.texts)), key=lambda k: (len(world.texts[k]), world.target[k]))
    text = dataclasses.replace(opened(proposal, world.drafts[here]), finish_reason="stop")
    lanes = 1000
    sampler = MCMC(moves=1, proposal=proposal)
    problem = dataclasses.replace(world.problem, lanes=lanes)
    state = sampler.init(problem, np.random.default_rng(11))
    for chain in state.lanes:
        # As if a move that comes before the first one had brought it there.
        chain.move_to(text)
        chain.draft, chain.moves = text, -1
        sampler._settle(state, chain)
    while not state.done:
        state, _ = sampler.step(np.random.default_rng(), state)
    drafts = Counter(tuple(c.draft.tokens) if c.draft.valid else None for c in state.lanes)
    law = drafted(proposal, world)[here]
    counts = np.array([drafts[text] for text in world.texts] + [drafts[None]])
    assert counts.sum() == lanes
    assert pooled_p_value(counts, lanes * np.append(law, max(1 - law.sum(), 0))) > 1e-6
    reached = Counter(tuple(chain.tokens) for chain in state.lanes)
    counts = np.array([reached[text] for text in world.texts])
    assert pooled_p_value(counts, lanes * chain_matrix(proposal, world)[here]) > 1e-6


@pytest.mark.parametrize("name", WORLDS)
def test_chains_are_where_the_matrix_takes_them(name: str) -> None:
    world = world_of(name)
    lanes = 400
    for moves in (0, 2):
        state = run(MCMC(moves=moves), world.problem, lanes, seed=7)
        law = world.masked @ np.linalg.matrix_power(chain_matrix("uniform", world), moves)
        found = Counter(tuple(lane.tokens) for lane in state.lanes)
        assert set(found) <= set(world.texts)
        counts = np.array([found[text] for text in world.texts])
        assert pooled_p_value(counts, lanes * law) > 1e-6
        assert state.attempts == moves * lanes
        assert all(lane.log_weight == 0 for lane in state.lanes)


@pytest.mark.parametrize("proposal", PROPOSALS)
def test_after_many_moves_it_is_the_posterior(proposal: str) -> None:
    world = world_of("low mass")
    lanes = 200
    # The masked law itself would not pass.
    assert pooled_p_value(lanes * world.masked, lanes * world.target) < 1e-6
    state = run(MCMC(moves=8, proposal=proposal), world.problem, lanes, seed=3)
    found = Counter(tuple(lane.tokens) for lane in state.lanes)
    counts = np.array([found[text] for text in world.texts])
    assert pooled_p_value(counts, lanes * world.target) > 1e-6


@pytest.mark.parametrize("name", [*WORLDS, "most first draws in vain"])
def test_the_evidence_is_unbiased(name: str) -> None:
    in_vain = name not in WORLDS
    world = chains_of(letters("(abc)+", 3)) if in_vain else world_of(name)
    runs = 150
    states = [run(MCMC(moves=0), world.problem, 2, seed) for seed in range(runs)]
    estimates = np.array([[math.exp(state.log_evidence)] for state in states])
    # No first draw can weigh more than this; what it is divided by makes the test sharper.
    most = 1.001 * max(math.exp(log_value(opened("restart", draft))) for draft in world.drafts)
    truth = np.array([world.evidence])
    assert p_values_of_means(estimates / most, truth / most).min() > 1e-6
    if in_vain:
        assert sum(len(state.first_log_weights) for state in states) > 6 * runs


def run(sampler: MCMC, problem: Problem, lanes: int, seed: int) -> ChainsState:
    rng = np.random.default_rng(seed)
    state = sampler.init(dataclasses.replace(problem, lanes=lanes), rng)
    while not state.done:
        state, _ = sampler.step(rng, state)
    return state


def pooled_p_value(counts: Matrix, expected: Matrix) -> float:
    """Chi-square; the rarest texts are counted together, so that no cell expects less than 5."""
    order = np.argsort(expected)
    together = int(np.searchsorted(np.cumsum(expected[order]), 5)) + 1
    rest = order[together:]
    rest = rest[expected[rest] >= 5]
    rare = np.setdiff1d(order, rest)
    observed = np.append(counts[rest], counts[rare].sum())
    wanted = np.append(expected[rest], expected[rare].sum())
    return float(chisquare(observed, wanted).pvalue)
