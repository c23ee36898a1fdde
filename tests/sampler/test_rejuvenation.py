"""Copies that redraw their last piece: the law of what they become."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

import condit
from condit import SMC, NgramModel
from condit.errors import ArgumentError
from condit.sampler.rejuvenation import log_moved
from condit.sampler.resampling import systematic
from condit.testing import World, check_sampler
from condit.testing.samplers import run_to_the_end
from condit.trace import SCHEMA


@pytest.mark.slow
def test_the_evidence_and_every_text_stay_unbiased(letters: NgramModel) -> None:
    world = World(letters, condit.regex("(ab|ba|c)*"), "ab", 4)
    sampler = SMC("masked", threshold=0.9, compare_at="token", rejuvenate=True)
    check_sampler(sampler, world, runs=2000, lanes=4, false_alarm=1e-6)
    states = [run_to_the_end(sampler, world, 4, seed) for seed in range(100)]
    assert sum(state.findings().notes.get("rejuvenated", 0) for state in states) > 0


def test_the_weight_of_moved_copies(rng: np.random.Generator) -> None:
    weights = np.array([0.5, 0.1, 1.9, 0.3])
    copies = [systematic(rng, weights / weights.sum())[2] for _ in range(20_000)]
    moved = np.maximum(np.array(copies) - 1, 0) * weights.mean()
    error = moved.std() / math.sqrt(len(moved))
    expected = math.exp(log_moved(list(np.log(weights)), 2, 1.0))
    assert abs(moved.mean() - expected) < 4.9 * error  # 1e-6, in the normal approximation
    assert log_moved(list(np.log(weights)), 0, 1.0) == -math.inf


def test_it_is_in_report_and_trace() -> None:
    sampler = SMC("masked", threshold=0.9, compare_at="token", rejuvenate=True)
    model, pattern = condit.load("ngram"), condit.regex("(yes|no)( please)?")
    result = condit.generate(
        model, "The answer is ", pattern, n=8, max_tokens=10, sampler=sampler, seed=0
    )
    assert result.report.notes["rejuvenation_tried"] > 0
    assert any(info.note.startswith("rejuvenated") for info in result.trace)
    record = condit.json_schema(SCHEMA)
    assert all(record.accepts(json.dumps(line)) for line in result.trace_lines())


def test_what_it_needs(letters: NgramModel) -> None:
    with pytest.raises(ArgumentError, match="systematic"):
        SMC(resampling="residual", rejuvenate=True)
    with pytest.raises(ArgumentError, match="'awrs' or 'masked'"):
        condit.generate(letters, "ab", condit.regex("a"), sampler=SMC("learned", rejuvenate=True))


@pytest.mark.parametrize("usual", [False, True], ids=["by moved weight", "by weight"])
def test_moves_keep_the_mean_weight_of_each_piece(usual: bool) -> None:
    """By enumeration, three lanes: exact for our test, and not for ``min(1, w_new / w_old)``."""
    log_weights, threshold = np.log([1.0, 3.0, 8.0]), 0.8
    masses = np.zeros(3)
    for pieces in itertools.product(range(3), repeat=3):
        group = list(log_weights[list(pieces)])
        for lane, piece in enumerate(pieces):
            moved = math.exp(log_moved(group, lane, threshold))
            masses[piece] += math.exp(group[lane]) - moved
            for new in range(3):
                changed = [*group[:lane], float(log_weights[new]), *group[lane + 1 :]]
                log_new = log_weights[new] if usual else log_moved(changed, lane, threshold)
                log_old = group[lane] if usual else log_moved(group, lane, threshold)
                accepted = math.exp(min(0.0, log_new - log_old)) if moved else 0.0
                masses[new] += moved * accepted / 3
                masses[piece] += moved * (1 - accepted) / 3
    exact = np.allclose(masses / 27, np.exp(log_weights), rtol=1e-12)
    assert exact is not usual
