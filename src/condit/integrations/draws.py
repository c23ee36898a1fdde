"""From texts that another engine has drawn under a mask to a `Result`.

The texts are independent of each other. Nothing is drawn here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from condit.report import Guarantee, Report
from condit.result import Result, Sample, Stats
from condit.weights import (
    effective_groups,
    effective_sample_size,
    largest_share,
    log_mean_exp,
    relative_error,
)


def result_of_draws(
    samples: Sequence[Sample],
    log_allowed: Sequence[float],
    *,
    sampler: str,
    seed: int,
    prompt_tokens: int,
    seconds: float,
    greedy: bool = False,
) -> Result:
    """The result of independent weighted draws.

    Args:
        samples: the texts, one or more; the lineage of each must be its own.
        log_allowed: natural logarithm of the mass that was allowed before each token of all texts.
        sampler: what drew them, in words.
        seed: what gives the draws again.
        prompt_tokens: tokens in the prompt.
        seconds: wall-clock time that it took.
        greedy: whether the most probable allowed tokens were taken, so that weights and evidence
            are not defined.
    """
    log_weights = [sample.log_weight for sample in samples]
    texts = [sample.text for sample in samples]
    valid = [sample for sample in samples if sample.valid]
    masses = list({sample.tokens: sample.log_probability for sample in valid}.values())
    log_evidence = math.nan if greedy else log_mean_exp(log_weights)
    report = Report(
        guarantee=Guarantee.SEARCH if greedy else Guarantee.WEIGHTED,
        draws=len(samples),
        valid=len(valid),
        distinct=len({sample.text for sample in valid}),
        effective_texts=effective_groups(log_weights, texts),
        heaviest=largest_share(log_weights, texts),
        lineages=len(valid),
        ess=effective_sample_size(log_weights),
        kish_ess=effective_sample_size(log_weights),
        log_evidence=log_evidence,
        log_evidence_error=None if greedy else relative_error(log_weights),
        log_lower_bound=log_mean_exp(masses) + math.log(len(masses)) if masses else -math.inf,
        log_upper_bound=None,
        attempts=0,
        accepted=0,
        masked_mass=None if greedy else float(np.mean(-np.expm1(np.minimum(log_allowed, 0.0)))),
        kl_to_model=-log_evidence if math.isfinite(log_evidence) else None,
    )
    stats = Stats(
        seconds=seconds,
        prompt_tokens=prompt_tokens,
        tokens=len(log_allowed),
        # Another engine does not tell how it came by its logits.
        positions_forwarded=0,
        forwards=0,
        drafted=0,
        accepted=0,
        forced=0,
        checks=0,
        masks=len(log_allowed),
        resamplings=0,
    )
    return Result(
        samples=tuple(samples),
        sampler=sampler,
        seed=seed,
        stats=stats,
        report=report,
        greedy=greedy,
        _rng=np.random.default_rng(seed),
    )
