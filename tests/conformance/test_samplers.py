"""Every registered sampler obeys the laws, and does not care how many lanes run beside it."""

from __future__ import annotations

import pytest

import condit
from condit import NgramModel
from condit.generate import sampler_of
from condit.plugins import registered
from condit.sampler.local import LocalSampler
from condit.testing import World, check_sampler

SLOW = {"auto", "beam", "best_of", "exact", "mcmc"}
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW))
    for name in sorted(registered("samplers"))
]


@pytest.mark.parametrize("name", NAMES)
def test_registered_samplers_obey(name: str, letters: NgramModel) -> None:
    world = World(letters, condit.regex("[ab]*c?"), "c", 3)
    check_sampler(sampler_of(name), world, runs=120)


@pytest.mark.parametrize("name", sorted(registered("samplers")))
def test_draws_do_not_depend_on_the_number_of_lanes(name: str, letters: NgramModel) -> None:
    if not isinstance(sampler_of(name), LocalSampler):
        return  # lanes that are resampled depend on each other by design
    results = [
        condit.generate(
            letters, "ab", condit.regex("(ab|ba|c)+"), n=n, max_tokens=12, sampler=name, seed=5
        )
        for n in (1, 4, 64)
    ]
    assert results[0].samples[0] == results[1].samples[0] == results[2].samples[0]
    assert results[1].samples == results[2].samples[:4]
