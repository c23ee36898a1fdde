"""Models that give no mass at all to some or to all of what is allowed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from table_model import END, TableModel

import condit
from condit import (
    AWRS,
    MCMC,
    SMC,
    ASAp,
    Auto,
    Beam,
    BestOf,
    Exact,
    Learned,
    Masked,
    Rejection,
    Sampler,
)
from condit.errors import DeadEndError, GenerationError, ModelError, RejectedError
from condit.prefer.likelihood import likelihood
from condit.prefer.score import prefer

SAMPLERS: list[Sampler] = [
    Auto(),
    Masked(),
    AWRS(),
    AWRS(looks=3, mask_after=None),
    SMC(threshold=1.0),
    SMC(kernel="learned", threshold=1.0),
    Learned(),
    Exact(width=3, attempts=40),
    ASAp(width=2, attempts=5),
    MCMC(moves=2, tries=3),
    Rejection(attempts=20),
    BestOf(of=40, kernel="masked"),
    Beam(),
]


def says(text: str) -> dict[str, float]:
    """After x only a; after y anything; and a text that begins with x cannot end."""
    if text.startswith("x"):
        return {"a": 1.0}
    if text.startswith("y"):
        return {"a": 0.5, "b": 0.25, END: 0.25}
    return {"x": 0.5, "y": 0.5}


@pytest.fixture
def model() -> TableModel:
    return TableModel(["x", "y", "a", "b", "c"], says)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_dead_ends_beside_a_way_through(model: TableModel, sampler: Sampler) -> None:
    """After x nothing that is allowed has any mass; the second run knows what the first saw."""
    for seed in range(6):
        result = condit.generate(
            model, "", condit.regex("xb+|y[ab]"), n=4, max_tokens=6, sampler=sampler, seed=seed
        )
        assert {sample.text for sample in result.samples if sample.valid} <= {"ya", "yb"}
        assert any(sample.valid for sample in result.samples)
        assert math.isfinite(result.log_evidence)
        assert not math.isnan(result.ess)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_nothing_allowed_has_any_mass(model: TableModel, sampler: Sampler) -> None:
    for pattern in ("c+", "xb+", "yc"):
        with pytest.raises((DeadEndError, RejectedError)) as raised:
            condit.generate(
                model, "", condit.regex(pattern), n=3, max_tokens=4, sampler=sampler, seed=0
            )
        assert raised.value.result is not None
        assert raised.value.result.ess == 0


@pytest.mark.parametrize("sampler", [SMC(), BestOf(of=3), MCMC(), Learned()], ids=repr)
def test_a_preference_that_says_never_to_all(model: TableModel, sampler: Sampler) -> None:
    never = prefer(lambda text: -math.inf, partial=True)
    with pytest.raises(GenerationError):
        condit.generate(
            model, "", condit.regex("y[ab]"), n=3, max_tokens=4, sampler=sampler, prefer=never
        )


def test_a_likelihood_of_nothing_is_refused_by_name() -> None:
    """Logits that give no probabilities have no likelihood: that is said, and no NaN handed on."""

    class Lawless(TableModel):
        def logits(self, tokens: object) -> np.ndarray:
            return np.full(len(self.vocabulary), -np.inf, dtype=np.float32)

    scorer = likelihood(Lawless(["a", "b"], lambda _: {}), "a")
    with pytest.raises(ModelError, match="give no probabilities"):
        scorer.scores(["ab"])
    some = likelihood(TableModel(["a", "b"], lambda _: {"a": 1.0}), "a")
    assert some.scores(["a", "b"]) == [0.0, -math.inf]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_an_end_that_was_cut_off_is_not_drawn_at_the_budget(sampler: Sampler) -> None:
    """The law keeps only what is most probable, and an end that is not among it has no mass."""
    model = TableModel(["a"], lambda text: {"a": 0.9, END: 0.1})
    for law in ({"top_k": 1}, {"top_p": 0.5}):
        with pytest.raises(GenerationError):
            condit.generate(
                model, [0], condit.regex("a*"), n=2, max_tokens=3, sampler=sampler, seed=0, **law
            )


def test_a_text_that_the_truncated_model_cannot_write_has_no_weight() -> None:
    """Drawn from another law, it has probability 0 under the target."""
    sampler = Rejection(model=TableModel(["a", "b"], lambda text: {"b": 0.5, END: 0.5}))
    model = TableModel(["a", "b"], lambda text: {"a": 0.6, "b": 0.1, END: 0.3})
    result_of = {"n": 8, "max_tokens": 3, "sampler": sampler, "seed": 0}
    result = condit.generate(model, [0], condit.regex("b?"), top_k=2, **result_of)
    assert {sample.text for sample in result.samples if sample.valid} == {""}
