"""Calls from several threads: as good as one after the other, with the same draws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pydantic import BaseModel, Field

import condit
from condit import NgramModel
from condit.model.transformers import TransformersModel

THREADS = 4


@pytest.fixture(autouse=True)
def short_turns() -> Iterator[None]:
    """Threads take turns as often as can be, so that they meet in the middle of everything."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """The results of calls that begin together, ``THREADS`` at a time."""
    gate = Barrier(THREADS)

    def run(mine: list[Callable[[], Any]]) -> list[Any]:
        gate.wait()
        return [call() for call in mine]

    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(pool.map(run, [calls[start::THREADS] for start in range(THREADS)]))
    found: list[Any] = [None] * len(calls)
    for start, part in enumerate(parts):
        found[start::THREADS] = part
    return found


class Point(BaseModel):
    name: str = Field(max_length=3)
    x: int = Field(ge=0, le=99)


CONSTRAINTS = {
    "regex": condit.regex("(ab|ba|c){1,4}"),
    "choice": condit.choice("ab", "abc", "cab"),
    "grammar": condit.grammar('start: "a" start "b" | "c"'),
}


@pytest.mark.parametrize(
    "constraint",
    ["regex", *(pytest.param(each, marks=pytest.mark.slow) for each in ("choice", "grammar"))],
)
@pytest.mark.parametrize("sampler", ["auto", "awrs", "masked", "smc", "learned", "exact", "mcmc"])
def test_draws_are_those_of_calls_one_after_the_other(
    sampler: str, constraint: str, letters: NgramModel
) -> None:
    def call(seed: int) -> Callable[[], condit.Result]:
        return lambda: condit.generate(
            letters, "ab", CONSTRAINTS[constraint], n=3, max_tokens=8, sampler=sampler, seed=seed
        )

    calls = [call(seed) for seed in range(8)]
    expected = [one().samples for one in calls]
    assert [result.samples for result in at_once(calls)] == expected


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["learned", "exact", "smc", "auto"])
def test_a_memory_may_be_shared(sampler: str, letters: NgramModel) -> None:
    memory = condit.Memory(most_bytes=40_000)

    def call(number: int) -> Callable[[], condit.Result]:
        # Two problems: threads meet in each, and each pushes the other out.
        constraint = condit.regex(["(ab|ba|c){1,4}", "[abc]{2,5}"][number % 2])
        return lambda: condit.generate(
            letters,
            "ab",
            constraint,
            n=3,
            max_tokens=8,
            sampler=sampler,
            seed=number,
            memory=memory,
        )

    results = at_once([call(number) for number in range(40)])
    assert all(sample.valid for result in results for sample in result.samples)
    assert len(memory) <= 2
    assert not any(entry.is_lent for entry in memory._entries)
    assert memory.bytes <= 40_000


def test_a_memory_in_a_call_within_a_call_of_the_same_problem(letters: NgramModel) -> None:
    memory = condit.Memory()
    constraint = condit.regex("[abc]{1,3}")

    def draw(seed: int, prefer: condit.Preference | None = None) -> condit.Result:
        return condit.generate(
            letters, "ab", constraint, n=2, max_tokens=4, seed=seed, memory=memory, prefer=prefer
        )

    def score(text: str) -> float:
        return float(len(draw(len(text)).best.text))

    result = draw(0, condit.prefer(score))
    assert result.best.valid
    # Others of the same kind at once: nobody waits for somebody who waits for him.
    results = at_once([lambda: draw(1, condit.prefer(score))] * 8)
    assert all(each.best.valid for each in results)


@pytest.mark.slow
def test_a_preference_may_draw_in_other_threads(letters: NgramModel) -> None:
    first, second = condit.Memory(), condit.Memory()
    constraint = condit.regex("[abc]{1,3}")

    def draw(memory: condit.Memory, inner: condit.Memory | None = None) -> condit.Result:
        def score(text: str) -> float:
            assert inner is not None
            with ThreadPoolExecutor(2) as pool:
                made = list(pool.map(draw, [inner, memory]))
            return float(sum(len(each.best.text) for each in made))

        return condit.generate(
            letters,
            "ab",
            constraint,
            n=2,
            max_tokens=4,
            seed=0,
            memory=memory,
            prefer=None if inner is None else condit.prefer(score),
        )

    # Each of two memories in use asks for the other, and for itself.
    calls = [lambda: draw(first, second), lambda: draw(second, first)] * 4
    assert all(result.best.valid for result in at_once(calls))


def test_what_was_broken_off_in_the_middle_is_not_remembered(letters: NgramModel) -> None:
    memory = condit.Memory()

    def interrupt(text: str) -> float:
        raise KeyboardInterrupt

    def draw(**options: Any) -> condit.Result:
        return condit.generate(
            letters,
            "ab",
            condit.regex("[abc]{1,3}"),
            n=4,
            max_tokens=4,
            seed=0,
            memory=memory,
            **options,
        )

    draw()
    assert len(memory) == 1
    with pytest.raises(KeyboardInterrupt):
        draw(prefer=condit.prefer(interrupt))
    assert len(memory) == 0
    assert draw().best.valid


def test_a_call_that_fails_leaves_its_memory_to_the_others(letters: NgramModel) -> None:
    memory = condit.Memory()

    def fail(info: object) -> None:
        raise KeyboardInterrupt

    def draw(**options: Any) -> condit.Result:
        return condit.generate(
            letters,
            "ab",
            condit.regex("[abc]{1,3}"),
            max_tokens=4,
            seed=0,
            memory=memory,
            **options,
        )

    with pytest.raises(KeyboardInterrupt):
        draw(on_step=fail)
    assert all(result.best.valid for result in at_once([draw] * 8))


def test_constraints_are_made_in_several_threads() -> None:
    def make(number: int) -> Callable[[], bool]:
        def call() -> bool:
            schema = {"type": "object", "properties": {f"p{number % 3}": {"pattern": "^[a-f]+$"}}}
            made = [
                condit.json_schema(Point),
                condit.json_schema(schema),
                condit.regex(f"[a-z]{{{1 + number % 3}}}"),
                condit.grammar('start: "x" start | "y"'),
            ]
            for each in made:
                each.bind(condit.Vocabulary.of_bytes())
            return made[1].accepts('{"p0": "abc"}')

        return call

    assert all(at_once([make(number) for number in range(24)]))


def test_a_likelihood_may_be_shared(letters: NgramModel) -> None:
    prefer = condit.prefer(condit.likelihood(letters, "b"))

    def call(seed: int) -> Callable[[], condit.Result]:
        constraint = condit.regex("[abc]{1,4}")
        return lambda: condit.generate(
            letters, "ab", constraint, n=3, max_tokens=6, seed=seed, prefer=prefer
        )

    calls = [call(seed) for seed in range(8)]
    expected = [one().samples for one in calls]
    assert [result.samples for result in at_once(calls)] == expected


@pytest.mark.model
@pytest.mark.slow
def test_one_real_model_in_several_threads(smollm2_in_32_bits: TransformersModel) -> None:
    """Prompts that share their beginning, each its own: also what is kept of them is shared."""
    model = smollm2_in_32_bits
    point = condit.json_schema(Point)

    def call(number: int) -> Callable[[], condit.Result]:
        prompt = f"A point with a name and x, as JSON. Number {number % 3}:"
        sampler = ["smc", "awrs", "masked"][number % 3]
        return lambda: condit.generate(
            model, prompt, point, n=2, max_tokens=16, sampler=sampler, seed=number
        )

    calls = [call(number) for number in range(5)]
    condit.clear_cache()
    expected = [[sample.text for sample in one().samples] for one in calls]
    condit.clear_cache()
    found = [[sample.text for sample in result.samples] for result in at_once(calls)]
    assert found == expected
