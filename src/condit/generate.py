"""The verb: draw texts from a model, conditioned on a constraint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from condit.constraint.base import Constraint, Violation
from condit.constraint.ending import find_ending
from condit.errors import (
    ArgumentError,
    BudgetError,
    ConditError,
    DeadEndError,
    GenerationError,
    RejectedError,
)
from condit.model.base import Model, Prompt
from condit.model.load import load
from condit.plugins import find
from condit.prefer.base import Preference
from condit.report import report_of
from condit.result import Result, Sample, Stats
from condit.sampler.base import Guarantee, Lane, Problem, Sampler, State, StepInfo
from condit.sampler.law import BaseLaw
from condit.sampler.memory import Memory
from condit.speculate.settings import Drafts, settings_of
from condit.vocabulary import Vocabulary


def generate(
    model: Model | str,
    prompt: Prompt,
    constraint: Constraint | None = None,
    *,
    n: int = 1,
    max_tokens: int = 256,
    prefer: Preference | None = None,
    sampler: str | Sampler = "auto",
    memory: Memory | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    drafts: bool | Drafts = True,
    on_step: Callable[[StepInfo], None] | None = None,
) -> Result:
    """Draw ``n`` weighted texts from ``p(x | C)``.

    The target is the model's law ``p`` (temperature, top-k and top-p included) restricted to the
    texts that satisfy the constraint, end by the model's end token, and have at most
    ``max_tokens`` tokens. A token is allowed only if the text can be finished after it within the
    budget, in a way that Condit knows; see the explanation of the budget in the documentation.

    Args:
        model: a model, or what ``condit.load`` takes.
        prompt: text, chat messages (``{"role": ..., "content": ...}``), or token ids.
        constraint: what every text must satisfy; ``None`` draws freely, cut at ``max_tokens``.
        n: how many lanes, that is, samples.
        max_tokens: the most tokens a text may have, the end token not counted.
        prefer: what is better, made by ``condit.prefer``: the target becomes ``p(x | C) φ(x)``.
        sampler: a name: ``"auto"``, ``"exact"``, ``"smc"``, ``"learned"``, ``"awrs"``,
            ``"masked"``, ``"mcmc"``, ``"rejection"``, ``"asap"``, ``"best_of"`` or ``"beam"``; or
            a sampler such as ``condit.SMC(kernel="masked", threshold=0.8)``. With ``"auto"``,
            ``result.reason`` says which one was picked, and why.
        memory: keeps what this call learns for the next one with the same problem.
        seed: the same seed gives the same draws; by default a fresh one, kept in ``result.seed``.
            Where logits depend on what shares a forward (on a GPU, or with
            ``reproducible=False``), that takes ``drafts=False``.
        temperature: divides the logits; 0 takes the most probable allowed token each time.
        top_k: keep only the ``k`` most probable tokens, before the constraint is asked.
        top_p: keep only the most probable tokens up to this mass, before the constraint is asked.
        drafts: forward guesses at the next tokens along with the last one, so that the model is
            called less often; draws have the same law with and without. ``condit.Drafts(...)``
            says which guesses. Samplers that try whole texts or learn make none.
        on_step: called with the trace record of each step, for progress and streaming.

    Returns:
        the samples with their weights; at least one is valid.

    Raises:
        ArgumentError: an argument is out of range; the message names it.
        PromptTooLongError: prompt and budget do not fit in the model's context.
        VocabularyError: the model's tokens cannot begin any valid text.
        BudgetError: the shortest text that was found takes more than ``max_tokens``: nothing was
            drawn, and ``error.needed`` says how many it takes. Or no lane finished within them;
            ``error.result`` has what there is.
        DeadEndError: every lane died; ``error.result`` has what there is.
        RejectedError: no attempt was accepted in as many as the sampler may make;
            ``error.result`` has what there is.
        ConstraintTooComplexError: the constraint engine met one of its limits on the way.
        ConditError: whatever is raised while texts are drawn has ``error.result``: every lane as
            far as it got.
    """
    if n < 1:
        raise ArgumentError(f"n must be 1 or more, not {n}")
    if max_tokens < 1:
        raise ArgumentError(f"max_tokens must be 1 or more, not {max_tokens}")
    if constraint is not None and not isinstance(constraint, Constraint):
        raise ArgumentError(
            f"the constraint is a {type(constraint).__name__}: make one with condit.json_schema, "
            "condit.regex, condit.grammar or condit.choice"
        )
    if prefer is not None and not isinstance(prefer, Preference):
        raise ArgumentError(
            f"prefer is a {type(prefer).__name__}: wrap a function of the text in "
            "condit.prefer(function, strength)"
        )
    if seed is not None and seed < 0:
        raise ArgumentError(f"seed must be 0 or more, not {seed}")
    law = BaseLaw(temperature, top_k, top_p)
    chosen = sampler_of(sampler)
    model = model if isinstance(model, Model) else load(model)
    tokens = model.encode_prompt(prompt)
    model.check_fits(len(tokens), max_tokens)
    problem = Problem(
        model,
        tuple(tokens),
        constraint,
        n,
        max_tokens,
        law,
        finish=True,
        preference=prefer,
        drafts=settings_of(drafts),
    )
    if memory is None:
        return _draw(problem, chosen, seed, on_step)
    with memory.borrow(problem) as trie:
        return _draw(replace(problem, trie=trie), chosen, seed, on_step)


def _draw(
    problem: Problem,
    chosen: Sampler,
    seed: int | None,
    on_step: Callable[[StepInfo], None] | None,
) -> Result:
    """Run the sampler to its end, and judge what came of it."""
    began = time.perf_counter()
    sequence = np.random.SeedSequence(seed)
    rng = np.random.default_rng(sequence)
    state = chosen.init(problem, rng)
    trace: list[StepInfo] = []

    def result_so_far() -> Result:
        samples = tuple(_samples(state))
        return Result(
            samples=samples,
            sampler=repr(state.chosen or chosen),
            reason=state.reason or "it was asked for",
            seed=_entropy(sequence),
            stats=_stats(state, trace, time.perf_counter() - began),
            report=report_of(state, state.chosen or chosen, samples, trace),
            trace=tuple(trace),
            greedy=problem.law.temperature == 0,
            _rng=rng.spawn(1)[0],
        )

    try:
        while not state.done:
            state, info = chosen.step(rng, state)
            trace.append(info)
            if on_step is not None:
                on_step(info)
    except ConditError as error:
        error.result = result_so_far()
        raise
    result = result_so_far()
    promised = result.report.guarantee in (Guarantee.EXACT, Guarantee.WEIGHTED)
    if problem.trie is not None and problem.preference is None and promised:
        problem.trie.log_evidence = result.log_evidence
    if not any(sample.valid for sample in result.samples):
        raise _failure(problem, result)
    return result


def _ending(problem: Problem, text: str) -> str | None:
    """What would have finished ``text``, where that is found."""
    if problem.constraint is None:
        return None
    matcher = problem.constraint.bind(Vocabulary.of_bytes())
    try:
        for byte in text.encode():
            matcher.advance(byte)
        ending = find_ending(matcher)
    except ConditError:
        # A character was cut short, or the engine met a limit: then there is nothing to add.
        return None
    return ending.decode(errors="replace") if ending is not None else None


def sampler_of(sampler: str | Sampler) -> Sampler:
    """The sampler of that name with its usual settings, or the sampler itself."""
    if isinstance(sampler, Sampler):
        return sampler
    made: Any = find("samplers", sampler)
    return cast(Sampler, made() if isinstance(made, type) else made)


def _entropy(sequence: np.random.SeedSequence) -> int:
    entropy = sequence.entropy
    return entropy if isinstance(entropy, int) else 0


def _samples(state: State) -> list[Sample]:
    constraint, vocabulary = state.problem.constraint, state.problem.model.vocabulary
    greedy = state.problem.law.temperature == 0
    samples: list[Sample] = []
    for index, lane in enumerate(state.lanes):
        text = vocabulary.decode(lane.tokens)
        finished, ended = lane.finish_reason == "stop", lane.finish_reason is not None
        samples.append(
            Sample(
                text=text,
                tokens=tuple(lane.tokens),
                # Where the run was broken off, a text that is not finished has no weight.
                log_weight=lane.log_weight + state.log_evidence if ended else -math.inf,
                log_probability=lane.log_probability,
                log_preference=lane.log_preference,
                # At temperature 0 nothing is drawn: the same text again is the same draw.
                lineage=_first_equal(state.lanes, index) if greedy else lane.origin,
                finish_reason=lane.finish_reason or "length",
                value=constraint.value(text) if constraint is not None and finished else None,
            )
        )
    return samples


def _first_equal(lanes: Sequence[Lane], index: int) -> int:
    """The first lane with the same tokens."""
    return next(first for first, lane in enumerate(lanes) if lane.tokens == lanes[index].tokens)


def _stats(state: State, trace: list[StepInfo], seconds: float) -> Stats:
    return Stats(
        seconds=seconds,
        prompt_tokens=len(state.problem.prompt),
        tokens=sum(_drawn(info) for info in trace),
        positions_forwarded=state.positions_forwarded,
        forwards=state.forwards,
        **state.draft_counts._asdict(),
        checks=sum(sum(info.checks) for info in trace),
        masks=sum(sum(info.masks) for info in trace),
        resamplings=sum(info.ancestors is not None for info in trace),
    )


def _drawn(info: StepInfo) -> int:
    """Tokens drawn in a step: by lanes, or where there are none by the attempts that ended."""
    if info.tokens:
        return sum(token is not None for token in info.tokens)
    return sum(len(attempt.tokens) for attempt in info.attempts)


def _shown(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:100]} … {text[-90:]}"


def _refused_end(problem: Problem, result: Result) -> tuple[str, Violation] | None:
    """A text that came to its end and was refused there by the oracle, and why."""
    if problem.constraint is None:
        return None
    for sample in sorted(result.samples, key=lambda sample: -len(sample.text)):
        violation = problem.constraint.violation(sample.text)
        # What ends too soon goes wrong at its end; that is no fault of what is written.
        if violation is not None and (violation.position or 0) < len(sample.text):
            return sample.text, violation
    return None


def _failure(problem: Problem, result: Result) -> GenerationError:
    """The error for a run without any valid text: what happened, and the way out."""
    reasons = [sample.finish_reason for sample in result.samples]
    longest = result.best.text
    shown = _shown(longest)
    if "rejected" in reasons:
        report = result.report
        bound = ""
        if report.log_upper_bound is not None:
            bound = f" At most {math.exp(report.log_upper_bound):.3g} of the model's mass is valid."
        return RejectedError(
            f"none of {report.attempts} attempts was accepted by "
            f"{result.sampler}.{bound} The longest refused text is {shown!r}. Allow more attempts, "
            "prompt the model for what is wanted, or use a sampler that steers (smc, learned)",
            result,
        )
    if "length" not in reasons and (refused := _refused_end(problem, result)) is not None:
        text, violation = refused
        return DeadEndError(
            f"all {len(reasons)} lanes came to a dead end: {_shown(text)!r} is written to its end, "
            f"but the constraint refuses it, {violation}, and nothing can follow that mends it. "
            "constraint.plan says what is asked only when a value closes, or at the end: say it by "
            "bounds, a pattern or a format, give strings that satisfy it (Field(examples=[...])), "
            "or draw more lanes",
            result,
        )
    if "length" not in reasons:
        law = problem.law
        if law.top_k is None and law.top_p == 1:
            why = (
                "the constraint refuses every token that the model gives any mass to. What is "
                "only checked as a value closes (see constraint.plan) can lead there: say it by "
                "bounds, a pattern or a format, give values that satisfy it, or draw more lanes"
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
        f"none of {len(reasons)} lanes finished within max_tokens={problem.max_tokens}"
        + (f" ({died} came to a dead end before that)" if died else "")
        + f". The longest prefix is {shown!r}.{missing} "
        "Raise max_tokens, bound the constraint (maxLength, maxItems, {0,n}), or draw more lanes",
        result,
    )
