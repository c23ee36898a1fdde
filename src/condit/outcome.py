"""From a run's state to its `Result`: samples, report, costs; and the error if nothing is valid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from condit.constraint.base import Violation
from condit.constraint.ending import find_ending
from condit.errors import (
    BudgetError,
    ConditError,
    DeadEndError,
    GenerationError,
    RejectedError,
)
from condit.report import Guarantee, Report
from condit.result import Result, Sample, Stats
from condit.sampler.base import Findings, Lane, Problem, Sampler, State
from condit.trace import RunInfo, StepInfo
from condit.vocabulary import Vocabulary
from condit.weights import (
    effective_groups,
    effective_sample_size,
    largest_share,
    log_mean_exp,
    relative_error,
)


def result_of(
    state: State[Any],
    sampler: Sampler,
    trace: Sequence[StepInfo],
    run: RunInfo,
    rng: np.random.Generator,
    seconds: float,
) -> Result:
    """The result of a run that has ended, or the partial result of one that failed.

    Args:
        state: the state after its last step.
        sampler: the sampler that was asked for.
        trace: the records of its steps.
        run: what it was asked.
        rng: its generator, for later draws from the result.
        seconds: wall-clock time that it took.
    """
    found = state.findings()
    chosen = found.chosen or sampler
    samples = tuple(_samples(state))
    return Result(
        samples=samples,
        sampler=repr(chosen),
        reason=found.reason,
        seed=run.seed,
        stats=_stats(state, found, trace, seconds),
        report=_report(state, found, chosen, samples, trace),
        trace=tuple(trace),
        run=run,
        healed=state.problem.seam.text.decode() if state.problem.seam is not None else "",
        greedy=state.problem.law.temperature == 0,
        _rng=rng.spawn(1)[0],
    )


def _samples(state: State[Any]) -> list[Sample]:
    problem, constraint = state.problem, state.problem.constraint
    greedy, log_seam = problem.law.temperature == 0, _log_seam(problem)
    samples: list[Sample] = []
    for index, lane in enumerate(state.lanes):
        text = problem.text(lane.tokens).decode(errors="replace")
        finished, ended = lane.finish_reason == "stop", lane.finish_reason is not None
        if finished and not problem.accepts(lane.tokens):
            # A sampler may have ended it without asking; see ``condit.sampler.local.finish``.
            lane.finish_reason, lane.log_weight, finished = "dead_end", -math.inf, False
        samples.append(
            Sample(
                text=text,
                tokens=tuple(lane.tokens),
                # In a partial result an unfinished text has weight 0.
                log_weight=(
                    lane.log_weight + state.log_evidence - log_seam if ended else -math.inf
                ),
                log_probability=lane.log_probability - log_seam,
                log_preference=lane.log_preference,
                # At temperature 0 nothing is random: equal texts are one draw.
                lineage=_first_equal(state.lanes, index) if greedy else lane.origin,
                finish_reason=lane.finish_reason or "length",
                value=constraint.value(text) if constraint is not None and finished else None,
                given=lane.given,
            )
        )
    return samples


def _log_seam(problem: Problem) -> float:
    """Natural logarithm of the mass of the seam, which weights of lanes include."""
    return 0.0 if problem.seam is None else problem.seam.log_mass


def _first_equal(lanes: Sequence[Lane], index: int) -> int:
    """The first lane with the same tokens."""
    return next(first for first, lane in enumerate(lanes) if lane.tokens == lanes[index].tokens)


def _stats(state: State[Any], found: Findings, trace: Sequence[StepInfo], seconds: float) -> Stats:
    seam = state.problem.seam
    return Stats(
        seconds=seconds,
        prompt_tokens=len(state.problem.prompt) + (seam.tokens if seam else 0),
        tokens=sum(
            each.token is not None and not each.given for info in trace for each in info.draws
        ),
        positions_forwarded=state.positions_forwarded + (seam.positions_forwarded if seam else 0),
        forwards=state.forwards + (seam.forwards if seam else 0),
        **found.drafts._asdict(),
        checks=sum(info.checks for info in trace),
        masks=sum(info.masks for info in trace),
        resamplings=sum(info.ancestors is not None for info in trace),
    )


def _report(
    state: State[Any],
    found: Findings,
    sampler: Sampler,
    samples: Sequence[Sample],
    trace: Sequence[StepInfo],
) -> Report:
    """The report on a run, complete or partial."""
    problem = state.problem
    greedy = problem.law.temperature == 0
    log_weights = [sample.log_weight for sample in samples]
    log_evidence = math.nan if greedy else log_mean_exp(log_weights)
    valid = [sample for sample in samples if sample.valid]
    lineages = [sample.lineage for sample in samples]
    texts = [sample.text for sample in samples]
    unfaithful = sampler.guarantee in (Guarantee.PROPOSAL, Guarantee.SEARCH)
    guarantee = found.guarantee or sampler.guarantee
    if not state.done and guarantee in (Guarantee.EXACT, Guarantee.WEIGHTED):
        guarantee = Guarantee.LIMIT  # where it failed may depend on its draws
    if guarantee is Guarantee.EXACT and problem.preference is not None:
        guarantee = Guarantee.WEIGHTED  # exact draws are weighted by φ
    bound = found.log_bound if problem.preference is None else None
    notes = dict(found.notes)
    if problem.seam is not None:
        bound = None if bound is None else min(bound - problem.seam.log_mass, 0.0)
        notes["log_mass_of_prompt_end"] = problem.seam.log_mass
    return Report(
        guarantee=guarantee,
        draws=len(samples),
        valid=len(valid),
        distinct=len({sample.text for sample in valid}),
        effective_texts=effective_groups(log_weights, texts),
        heaviest=largest_share(log_weights, texts),
        lineages=len({sample.lineage for sample in valid}),
        ess=effective_groups(log_weights, lineages),
        kish_ess=effective_sample_size(log_weights),
        log_evidence=log_evidence,
        log_evidence_error=None if greedy else _error(state, found, sampler, trace),
        log_lower_bound=_log_mass(valid),
        log_upper_bound=bound,
        attempts=found.attempts,
        accepted=found.accepted,
        masked_mass=None if greedy else _masked_mass(trace),
        kl_to_model=None if greedy or unfaithful else _divergence(samples, log_evidence),
        notes=notes,
    )


def _error(
    state: State[Any], found: Findings, sampler: Sampler, trace: Sequence[StepInfo]
) -> float | None:
    """Standard error of the evidence, relative to it.

    Lanes that share an origin are not independent: see ``condit.weights``.
    """
    resamplings = sum(info.ancestors is not None for info in trace)
    if resamplings and not _variance_is_told(sampler, state.lanes):
        return None
    if found.log_evidence_error is not None:
        if sampler.guarantee is not Guarantee.EXACT:
            return found.log_evidence_error
        # Weights of exact draws differ by the preference alone, on top of the rest.
        return math.hypot(found.log_evidence_error, relative_error(state.log_weights) or 0.0)
    if sampler.guarantee is not Guarantee.WEIGHTED:
        return None
    return relative_error(state.log_weights, [lane.origin for lane in state.lanes], resamplings)


def _variance_is_told(sampler: Sampler, lanes: Sequence[Lane]) -> bool:
    """Whether ``condit.weights.relative_error`` fits how a sampler has resampled.

    It is for multinomial resampling of all lanes together. Lanes that meet at boundaries are
    resampled with their like only: see ``condit.sampler.meeting``.
    """
    together = getattr(sampler, "compare_at", "token") == "token" or not any(
        lane.boundary.kind or (lane.matcher is not None and lane.matcher.boundary() is not None)
        for lane in lanes
    )
    return together and getattr(sampler, "resampling", "multinomial") == "multinomial"


def _log_mass(valid: Sequence[Sample]) -> float:
    """Natural logarithm of the summed mass of distinct token sequences, ``φ`` included."""
    masses = {
        (sample.tokens, sample.finish_reason): sample.log_probability + sample.log_preference
        for sample in valid
    }
    if not masses:
        return -math.inf
    return log_mean_exp(list(masses.values())) + math.log(len(masses))


def _masked_mass(trace: Sequence[StepInfo]) -> float | None:
    local = [
        1 - math.exp(min(drawn.log_allowed, 0.0))
        for info in trace
        for drawn in info.draws
        if drawn.token is not None and not drawn.given and not drawn.prompt_bytes
    ]
    return math.fsum(local) / len(local) if local else None


def _divergence(samples: Sequence[Sample], log_evidence: float) -> float | None:
    """``KL(target || p) = E[log φ] - log Z`` under the target."""
    if not math.isfinite(log_evidence):
        return None
    highest = max(sample.log_weight for sample in samples)
    weights = [math.exp(sample.log_weight - highest) for sample in samples]
    total = math.fsum(weights)
    mean = math.fsum(
        weight / total * sample.log_preference
        for weight, sample in zip(weights, samples, strict=True)
        if weight > 0
    )
    return mean - log_evidence


def _shown(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:100]} … {text[-90:]}"


def _ending(problem: Problem, text: str) -> str | None:
    """A text that would finish ``text``; ``None`` if none is found."""
    if problem.constraint is None:
        return None
    matcher = problem.constraint.bind(Vocabulary.of_bytes())
    try:
        for byte in text.encode():
            matcher.advance(byte)
        ending = find_ending(matcher.unchecked())
    except ConditError:
        # The text ends inside a character, or the engine met a limit.
        return None
    return ending.decode(errors="replace") if ending is not None else None


def _refused_end(problem: Problem, result: Result) -> tuple[str, Violation] | None:
    """A complete text that ``Constraint.violation`` refuses, and why; the longest such."""
    if problem.constraint is None:
        return None
    for sample in sorted(result.samples, key=lambda sample: -len(sample.text)):
        violation = problem.constraint.violation(sample.text)
        # A violation at the very end means that the text is only a prefix. So does a text that can
        # be finished, as one in the middle of a string.
        at_end = violation is None or (violation.position or 0) >= len(sample.text)
        if violation is not None and not at_end and not _ending(problem, sample.text):
            return sample.text, violation
    return None


def _way_out_of_dead_ends(problem: Problem) -> str:
    bound = problem.bind()
    if bound is not None and bound.within.unchecked() is not bound.within:
        return (
            "A function can only say yes or no: draw more lanes, use sampler='exact', which tries "
            "until texts are accepted, or say more of it as a constraint (constraint.plan tells "
            "what is asked when)"
        )
    if hasattr(problem.constraint, "plan"):
        return (
            "constraint.plan says what is asked only when a value closes, or at the end: say it by "
            "bounds, a pattern or a format, give strings that satisfy it (Field(examples=[...])), "
            "or draw more lanes"
        )
    return (
        "Draw more lanes. Of a constraint of your own, condit.testing.check_matcher tells whether "
        "its matcher agrees with its oracle"
    )


def failure_of(problem: Problem, result: Result) -> GenerationError:
    """The error for a run without any valid text; its message says what happened and what to do."""
    reasons = [sample.finish_reason for sample in result.samples]
    longest = result.best.text
    shown = _shown(longest)
    if "rejected" in reasons:
        report = result.report
        bound = ""
        if report.log_upper_bound is not None:
            bound = f" At most {math.exp(report.log_upper_bound):.3g} of the model's mass is valid."
        tried, more = f"{report.attempts} attempts was accepted by", "Allow more attempts"
        if not report.attempts:  # the sampler does not count them
            tried, more = f"{len(reasons)} lanes gave a valid text with", "Draw more lanes"
        return RejectedError(
            f"none of {tried} {result.sampler}.{bound} The furthest that any came is {shown!r}. "
            f"{more}, prompt the model for what is wanted, or use a sampler that steers (smc, "
            "learned)",
            result,
        )
    unwanted = [each for each in result.samples if each.log_preference == -math.inf]
    if len(unwanted) == len(reasons):
        return DeadEndError(
            f"the preference gives no weight (minus infinity) to any of {len(reasons)} lanes, such "
            f"as {_shown(unwanted[0].text)!r}. Return a finite number where a text is only worse "
            "than others, say it as a constraint, or draw more lanes",
            result,
        )
    if "length" not in reasons and (refused := _refused_end(problem, result)) is not None:
        text, violation = refused
        return DeadEndError(
            f"all {len(reasons)} lanes came to a dead end: {_shown(text)!r} is written to its end, "
            f"but the constraint refuses it, {violation}, and nothing can follow that mends it. "
            + _way_out_of_dead_ends(problem),
            result,
        )
    if "length" not in reasons:
        law = problem.law
        if law.top_k is None and law.top_p == 1:
            why = (
                "the constraint refuses every token that the model gives any mass to. "
                + _way_out_of_dead_ends(problem)
            )
        else:
            why = (
                "the model gives no mass to any token that the constraint allows "
                f"(temperature {law.temperature:g}, top_k {law.top_k}, top_p {law.top_p:g}). Draw "
                "more lanes, or keep more of the model's tokens (larger top_k and top_p)"
            )
        where = f"After the longest prefix, {shown!r},"
        return DeadEndError(f"all {len(reasons)} lanes came to a dead end. {where} {why}", result)
    rest = _ending(problem, longest)
    missing = f" It would have been finished by {rest!r}." if rest else ""
    died = reasons.count("dead_end")
    return BudgetError(
        f"none of {len(reasons)} lanes finished within max_tokens={problem.most_new_tokens}"
        + (f" ({died} came to a dead end before that)" if died else "")
        + f". The longest prefix is {shown!r}.{missing} "
        "Raise max_tokens, bound the constraint (maxLength, maxItems, {0,n}), or draw more lanes",
        result,
    )
