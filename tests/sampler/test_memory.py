"""What is kept between calls, and for which of them."""

from __future__ import annotations

import math

import pytest

import condit
from condit import Memory, NgramModel
from condit.errors import ArgumentError

DATE = condit.regex("(ab|ba|c){1,4}")


def test_later_calls_need_the_model_less(letters: NgramModel) -> None:
    memory = Memory()
    forwarded, bounds = [], []
    for seed in range(12):
        result = condit.generate(
            letters, "ab", DATE, n=8, max_tokens=8, sampler="smc", seed=seed, memory=memory
        )
        assert "learned" not in result.reason
        forwarded.append(result.stats.positions_forwarded)
        bound = result.report.log_upper_bound
        assert bound is not None
        bounds.append(bound)
    assert forwarded[-1] < forwarded[0] / 2
    assert bounds == sorted(bounds, reverse=True)
    assert len(memory) == 1
    assert "1 problems" in repr(memory)
    memory.clear()
    assert (len(memory), memory.bytes, memory.nodes) == (0, 0, 0)


def test_a_problem_is_known_by_what_defines_its_law(letters: NgramModel) -> None:
    memory = Memory()

    def learn(prompt: str = "ab", constraint: condit.Constraint = DATE, **settings: float) -> int:
        arguments = {"n": 2, "max_tokens": 8, "seed": 0} | settings
        condit.generate(letters, prompt, constraint, memory=memory, **arguments)  # type: ignore[arg-type]
        return len(memory)

    assert learn() == 1
    assert learn(constraint=condit.regex("(ab|ba|c){1,4}"), n=5, seed=3) == 1
    assert learn(prompt="b") == 2
    assert learn(constraint=condit.regex("[abc]{2}")) == 3
    assert learn(temperature=0.5) == 4
    assert learn(max_tokens=9) == 5


def test_memory_is_bounded(letters: NgramModel) -> None:
    memory = Memory(most_bytes=30_000)
    for number in range(1, 7):
        for seed in range(8):
            condit.generate(
                letters,
                "ab",
                condit.regex(f"[abc]{{{number},8}}"),
                n=8,
                max_tokens=8,
                sampler="learned",
                seed=seed,
                memory=memory,
            )
            assert memory.bytes <= 60_000  # what is under way may take some more
    assert memory.bytes <= 30_000
    with pytest.raises(ArgumentError, match="most_bytes must be 1 or more"):
        Memory(0)


def test_exact_and_learned_share_a_memory(letters: NgramModel) -> None:
    memory = Memory()

    def run(sampler: str, seed: int) -> condit.Result:
        return condit.generate(
            letters, "ab", DATE, n=20, max_tokens=8, sampler=sampler, seed=seed, memory=memory
        )

    alone = condit.generate(letters, "ab", DATE, n=20, max_tokens=8, sampler="exact", seed=9)
    for seed in range(5):
        run("learned", seed)
    helped = run("exact", 9)
    assert helped.report.attempts < alone.report.attempts
    assert helped.report.log_upper_bound < alone.report.log_upper_bound  # type: ignore[operator]
    assert math.isfinite(helped.log_evidence)
