"""The numbers of the report mean what they say."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

import condit
from condit import NgramModel
from condit.prefer.score import prefer
from condit.testing import World
from condit.testing.worlds import remembering
from condit.weights import effective_groups, largest_share

PATTERN = remembering(condit.regex("(ab|ba|c)*"))


@pytest.fixture(scope="module")
def world(letters: NgramModel) -> World:
    return World(letters, PATTERN, "ab", 4)


def run(model: NgramModel, sampler: object, seed: int = 0, **settings: object) -> condit.Result:
    arguments = {"n": 8, "max_tokens": 4, "sampler": sampler, "seed": seed} | settings
    return condit.generate(model, "ab", PATTERN, **arguments)  # type: ignore[arg-type]


SAMPLERS = ["auto", "exact", "smc", "learned", "awrs", "masked", "asap"]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_bounds_hold(letters: NgramModel, world: World, sampler: str) -> None:
    truth = math.log(world.evidence)
    for seed in range(20):
        report = run(letters, sampler, seed).report
        assert report.log_lower_bound < truth + 1e-6
        if report.log_upper_bound is not None:
            assert report.log_upper_bound > truth - 1e-6
        assert 1 <= report.distinct <= report.valid == report.draws == 8
        assert 1 <= report.lineages <= 8
        assert report.kl_to_model == pytest.approx(-report.log_evidence)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampler",
    [
        "masked",
        "awrs",
        "smc",
        condit.SMC(threshold=0.9, resampling="multinomial"),
        "learned",
        "exact",
    ],
)
def test_the_standard_error_is_about_right(
    letters: NgramModel, world: World, sampler: object
) -> None:
    """Its mean square over runs, against the variance of the estimates over runs."""
    results = [run(letters, sampler, seed, n=16).report for seed in range(200)]
    estimates = np.exp([report.log_evidence for report in results]) / world.evidence
    said = [report.log_evidence_error for report in results]
    assert None not in said or isinstance(sampler, condit.SMC)
    assert said.count(None) < 100
    # Unknown ones are those of which the estimate of the variance is not positive.
    ratio = np.mean(np.square([error or 0.0 for error in said])) / estimates.var()
    assert 0.4 < ratio < 2.5


@pytest.mark.slow
def test_the_error_is_unknown_where_no_estimate_fits_the_resampling(letters: NgramModel) -> None:
    string = {"type": "string", "maxLength": 4}
    items = condit.json_schema({"type": "array", "items": string, "minItems": 3, "maxItems": 4})
    model = NgramModel.train(['["a","b"]', '["b"'], vocabulary=condit.Vocabulary.of_bytes())
    known = set()
    for seed in range(10):
        result = condit.generate(
            model, "", items, n=8, max_tokens=40, sampler=condit.SMC(threshold=1.0), seed=seed
        )
        known.add((result.stats.resamplings > 0, result.report.log_evidence_error is None))
    assert (True, True) in known
    assert (True, False) not in known
    # Where there is no structure, all are resampled together. Systematic resampling makes fewer
    # relatives than the estimate takes for granted.
    for scheme, is_known in (("multinomial", True), ("systematic", False)):
        smc = condit.SMC(threshold=0.9, resampling=scheme)
        flat = [run(letters, smc, seed, n=16) for seed in range(10)]
        errors = [each.report.log_evidence_error for each in flat if each.stats.resamplings]
        assert any(error is not None for error in errors) == is_known


def texts_of(weights: dict[str, list[float]]) -> tuple[list[float], list[str]]:
    pairs = [(math.log(w), text) for text, each in weights.items() for w in each]
    return [log_weight for log_weight, _ in pairs], [text for _, text in pairs]


def test_weight_of_different_texts() -> None:
    # Shares 1/2, 1/4, 1/4, in seven draws.
    log_weights, texts = texts_of({"a": [1, 1, 1, 1], "b": [0.5, 1.5], "c": [2]})
    assert effective_groups(log_weights, texts) == pytest.approx(1 / 0.375)
    assert largest_share(log_weights, texts) == pytest.approx(1 / 2)
    assert largest_share([-math.inf], ["a"]) == 0


def test_the_text_leads_with_different_texts(letters: NgramModel) -> None:
    for seed in range(10):
        result = run(letters, condit.SMC(threshold=1.0, compare_at="token"), seed)
        report = result.report
        shares = [each.share for each in result.marginal()]
        assert report.heaviest == pytest.approx(shares[0])
        assert report.effective_texts == pytest.approx(1 / math.fsum(s**2 for s in shares))
        assert 1 <= report.effective_texts <= report.distinct + 1e-9
        if report.distinct > 1:
            assert (
                str(report)
                .splitlines()[1]
                .startswith(
                    f"{report.distinct} different texts of 8 (weight as of "
                    f"{report.effective_texts:.1f} equal ones; the heaviest has {shares[0]:.0%}), "
                    f"from {report.lineages} of 8 initial lanes; effective sample size "
                )
            )


def test_what_is_said_of_fewer_draws(letters: NgramModel) -> None:
    single = run(letters, "masked", n=1).report
    assert single.spread_in_words == "one text"
    assert "its error unknown (draw with other seeds" in single.evidence_in_words
    search = run(letters, "beam", n=4).report
    assert "lanes" not in search.spread_in_words
    assert search.evidence_in_words == f"log evidence {search.log_evidence:.3f}"
    unfinished = dataclasses.replace(search, valid=3, guarantee=condit.Guarantee.WEIGHTED)
    assert f"{search.distinct} different texts of 3 valid of 4 (" in str(unfinished)


def test_masked_mass(letters: NgramModel) -> None:
    free = condit.generate(
        letters, "ab", condit.regex("[abc]*"), n=50, max_tokens=4, sampler="masked", seed=0
    )
    # The budget refuses nothing but at the end, and the constraint nothing at all.
    assert free.report.masked_mass is not None
    tight = condit.generate(
        letters, "ab", condit.choice("ccc"), n=50, max_tokens=4, sampler="masked", seed=0
    )
    assert tight.report.masked_mass is not None
    assert tight.report.masked_mass > free.report.masked_mass
    assert 0 < run(letters, "exact").report.masked_mass < 1


@pytest.mark.slow
def test_divergence_with_a_preference(letters: NgramModel, world: World) -> None:
    """KL of the tilted target from the model, against enumeration."""
    texts = {tokens: world.model.decode(tokens) for tokens in world.probabilities}
    tilted = {t: p * math.exp(texts[t].count("a")) for t, p in world.probabilities.items()}
    total = math.fsum(tilted.values())
    expected = math.fsum(
        mass / total * math.log(mass / total / world.probabilities[tokens])
        for tokens, mass in tilted.items()
    )
    result = run(letters, "smc", n=6000, prefer=prefer(lambda text: text.count("a")))
    assert result.report.kl_to_model == pytest.approx(expected, abs=0.05)
    assert result.log_evidence == pytest.approx(math.log(total), abs=0.1)
    assert result.report.log_upper_bound is None


def test_acceptance(letters: NgramModel) -> None:
    report = run(letters, "exact", n=40).report
    assert report.accepted == 40
    assert report.acceptance == 40 / report.attempts
    assert run(letters, "awrs").report.acceptance is None


def test_it_can_be_read_and_sent(letters: NgramModel) -> None:
    report = run(letters, "exact").report
    assert "independent draws from the target itself" in str(report)
    assert "attempts accepted" in str(report)
    assert "surely between" in str(report)
    sent = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert sent["guarantee"] == "exact"
    assert sent["acceptance"] == report.acceptance
    greedy = run(letters, "masked", temperature=0).report
    assert greedy.to_dict()["log_evidence"] is None
    assert greedy.log_evidence_error is None
    single = run(letters, "masked", n=1).report
    assert single.log_evidence_error is None
    assert "surely at least" in str(single)


def test_exact_draws_that_are_weighted_are_not_called_exact(letters: NgramModel) -> None:
    happy = prefer(lambda text: 2.0 * text.count("b"))
    result = run(letters, "exact", n=40, prefer=happy)
    assert result.report.guarantee is condit.Guarantee.WEIGHTED
    assert result.ess < 39
    plain = run(letters, "exact", n=40).report.log_evidence_error
    assert result.report.log_evidence_error > plain  # type: ignore[operator]
    assert result.best.log_probability + result.best.log_preference == max(
        sample.log_probability + sample.log_preference for sample in result.samples
    )
