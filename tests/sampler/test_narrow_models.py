"""Models that only give logits after prefixes: which samplers they serve, and what others say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import condit
from condit.errors import ArgumentError, ModelError
from condit.model.base import Logits, Model, PrefixModel
from condit.model.reader import AskedReader
from condit.plugins import find, registered
from condit.prefer.score import prefer
from condit.testing import World, check_sampler

CONSTRAINT = condit.regex("(ab|ba|c){1,3}")


class Asked(AskedReader):
    def __init__(self, model: condit.NgramModel, prompt: Sequence[int]) -> None:
        super().__init__()
        self.model, self.prompt = model, tuple(prompt)

    def ask(self, prefixes: Sequence[tuple[int, ...]]) -> Sequence[Logits]:
        return [self.model.logits((*self.prompt, *prefix)) for prefix in prefixes]


class Remote(PrefixModel):
    """An n-gram model behind a wall."""

    name = "far-away"

    def __init__(self, model: condit.NgramModel) -> None:
        self.model, self.vocabulary = model, model.vocabulary

    def encode(self, text: str) -> list[int]:
        return self.model.encode(text)

    def reader(self, prompt: Sequence[int]) -> Asked:
        return Asked(self.model, prompt)


@pytest.fixture(scope="module")
def near() -> condit.NgramModel:
    letters = condit.Vocabulary.of(["a", "b", "c", "ab"])
    return condit.NgramModel.train(["abcab", "cabba"], vocabulary=letters, smoothing=2)


SERVED = [name for name in registered("samplers") if find("samplers", name)().needs is PrefixModel]


def test_samplers_say_what_they_need() -> None:
    assert sorted(SERVED) == [
        "asap", "auto", "beam", "exact", "learned", "mcmc", "rejection", "smc",
    ]  # fmt: skip
    assert condit.Masked().needs is condit.SMC(kernel="masked").needs is Model
    assert condit.BestOf(kernel="learned").needs is PrefixModel


@pytest.mark.parametrize("name", SERVED)
def test_the_draws_are_those_of_the_model_itself(near: condit.NgramModel, name: str) -> None:
    sampler = condit.SMC(kernel="learned") if name == "smc" else name
    asked = {"n": 4, "max_tokens": 6, "seed": 1}
    far = condit.generate(Remote(near), "ab", CONSTRAINT, sampler=sampler, **asked)
    same = condit.generate(near, "ab", CONSTRAINT, sampler=sampler, **asked)
    assert [sample.text for sample in far.samples] == [sample.text for sample in same.samples]
    assert far.log_weights == pytest.approx(same.log_weights, abs=1e-6)


def test_smc_takes_a_kernel_that_does(near: condit.NgramModel) -> None:
    result = condit.generate(Remote(near), "ab", CONSTRAINT, n=4, sampler="smc", seed=0)
    assert all(sample.valid for sample in result.samples)


@pytest.mark.parametrize(
    "sampler", ["masked", "awrs", "best_of", condit.SMC(kernel="masked")], ids=repr
)
def test_others_refuse_it_by_name(near: condit.NgramModel, sampler: condit.Sampler | str) -> None:
    with pytest.raises(ArgumentError, match=r"forks lanes .* far-away only gives logits"):
        condit.generate(Remote(near), "ab", CONSTRAINT, sampler=sampler)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("constraint", [None, CONSTRAINT, condit.regex("[abc]{20,60}")])
@pytest.mark.parametrize(
    "preference", [None, prefer(len), prefer(len, partial=True)], ids=["none", "end", "partial"]
)
def test_auto_picks_what_it_can_serve(
    near: condit.NgramModel,
    temperature: float,
    constraint: condit.Constraint | None,
    preference: condit.Preference | None,
) -> None:
    for n in (1, 4):
        result = condit.generate(
            Remote(near),
            "ab",
            constraint,
            n=n,
            max_tokens=70,
            temperature=temperature,
            prefer=preference,
            seed=0,
        )
        assert any(sample.valid for sample in result.samples)


@pytest.mark.slow
def test_weights_are_unbiased(near: condit.NgramModel) -> None:
    world = World(near, CONSTRAINT, "ab", 4)

    class Far(World):
        def problem(self, lanes: int) -> condit.sampler.base.Problem:
            from dataclasses import replace

            return replace(super().problem(lanes), model=Remote(near))

    check_sampler(condit.SMC(kernel="learned"), Far(near, CONSTRAINT, "ab", 4), runs=300, lanes=4)
    assert world.evidence > 0


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("constraint", [CONSTRAINT, None])
@pytest.mark.parametrize("sampler", ["auto", "smc"])
def test_text_is_never_left_out_in_silence(
    near: condit.NgramModel, sampler: str, constraint: condit.Constraint | None, temperature: float
) -> None:
    """Samplers that serve such a model do not put text in, so it is refused."""
    asked = {"max_tokens": 6, "sampler": sampler, "temperature": temperature}
    with pytest.raises(ArgumentError, match="insert="):
        condit.generate(Remote(near), "ab", constraint, insert=lambda text: "c", **asked)


class Failing(Asked):
    """Answers so many questions, and then no more."""

    left = 3

    def ask(self, prefixes: Sequence[tuple[int, ...]]) -> Sequence[Logits]:
        self.left -= 1
        if self.left < 0:
            raise ConnectionError("no line")
        return super().ask(prefixes)


@pytest.mark.parametrize("sampler", ["exact", "learned", "rejection", "beam", "mcmc", "asap"])
def test_what_was_drawn_is_kept_where_the_model_fails(
    near: condit.NgramModel, sampler: str
) -> None:
    model = Remote(near)
    model.reader = lambda prompt: Failing(near, prompt)  # type: ignore[method-assign]
    chosen = condit.Exact(beginnings=0) if sampler == "exact" else sampler
    memory = condit.Memory()
    with pytest.raises(ModelError, match=r"Failing\.ask failed .*no line") as caught:
        condit.generate(
            model, "ab", CONSTRAINT, n=4, max_tokens=6, sampler=chosen, memory=memory, seed=0
        )
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert caught.value.result is not None
    # What was learned before it holds still.
    again = condit.generate(
        Remote(near), "ab", CONSTRAINT, n=4, max_tokens=6, sampler=chosen, memory=memory, seed=0
    )
    assert all(sample.valid for sample in again.samples)
