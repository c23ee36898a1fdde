"""``condit.refine``: draws, judges, says what is not followed, and draws again.

Decompose, critique, refine (Ferraz et al. 2024), which Divide-Verify-Refine (Zhang et al. 2025) and
Self-Refine (Madaan et al. 2023) are akin to, with two differences: what a program can check is
enforced while texts are drawn, so no round is spent on it; and what is judged is a factor of the
weights, not only a reason to try again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from condit.constraint.base import Constraint
from condit.constraint.types.line import sentence
from condit.errors import ArgumentError, ConditError, GenerationError, PromptTooLongError
from condit.generate import generate
from condit.model.base import Model, Prompt
from condit.model.load import load
from condit.prefer.sequence_likelihood import SequenceLikelihood
from condit.refining.decompose import decompose as split
from condit.refining.instruction import (
    Instruction,
    InstructionLike,
    joined,
    read_instructions,
)
from condit.refining.judge import Follows, judge_of
from condit.refining.record import Draft, Refined, Round, best_of
from condit.refining.request import Request, critique_of, reason_asked
from condit.report import Guarantee
from condit.result import Result, Sample
from condit.sampler.base import Sampler
from condit.trace import Writer

_REASON_CHARACTERS, _REASON_TOKENS = 160, 60
_CONTRAST_THRESHOLD = 2.0
_Writers: TypeAlias = Callable[[int], Writer]


def refine(
    model: Model | str | PathLike[str],
    prompt: Prompt,
    *,
    instructions: Iterable[InstructionLike] | None = None,
    constraint: Constraint | None = None,
    decompose: bool = False,
    judge: str | Callable[[str, str], float] = "contrast",
    threshold: float | None = None,
    strength: float = 1.0,
    partial: bool = False,
    rounds: int = 3,
    reasons: bool = False,
    n: int = 4,
    max_tokens: int = 256,
    sampler: str | Sampler = "auto",
    seed: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    judge_seconds: float | None = 60.0,
    on_round: Callable[[Round], None] | None = None,
    trace: str | PathLike[str] | Callable[[int], Writer] | None = None,
) -> Refined:
    """Draw a text that follows many instructions, also those that no program can check.

    Instructions with a constraint are enforced while texts are drawn. For the others a judge gives
    the log-odds that a text follows them. The probability of following all is a factor of the
    weights, as a preference; and while the best text so far is below the threshold for some, the
    next round shows it to the model, says which these are, and draws again under the same
    constraint. The best text of all rounds is returned: a round never makes it worse.

    Args:
        model: a model, or what ``condit.load`` takes.
        prompt: a text, sent as a message of the user where the model has a chat template; or chat
            messages, of which the last is the user's.
        instructions: texts, which are judged; constraints, or pairs ``(text, constraint)``, which
            are enforced. The model is told all of them after the prompt, but for texts that stand
            in the prompt word for word.
        constraint: what must hold besides; the model is not told.
        decompose: look for more instructions in the prompt: each clause of it after the first is
            one. Those whose words spell a rule (``"use at most four sentences"``) are enforced if
            the model says that the rule is meant; the others are judged.
        judge: ``"contrast"``: how much likelier the text is after the prompt with the instruction
            than after the prompt without it, which small models are best at. ``"question"``: the
            model is asked whether the text follows the instruction, and its probabilities of yes
            and no are compared. Or a function of a text and an instruction that returns log-odds,
            natural logarithms, and depends on nothing else.
        threshold: the log-odds from which on an instruction counts as followed. By default 0, which
            is even odds, and 2 for ``"contrast"``: its texts are drawn with the instructions in the
            prompt, which alone puts it above 0 on average.
        strength: the power of the judge's probability in the weights; 0: texts are drawn without
            it, and only chosen by it.
        partial: judge unfinished texts, too, so that lanes are compared as they grow: better texts
            from as many lanes, for more forwards. The target is the same for a judge that is a
            function or ``"question"``; ``"contrast"`` then leaves out the end of the text.
        rounds: how many rounds at most.
        reasons: let the model write a sentence on what is missing, to go into the next prompt.
        n: how many texts are drawn in each round.
        max_tokens: the most tokens that a text may have.
        sampler: as for ``condit.generate``.
        seed: the same seed gives the same texts.
        temperature: as for ``condit.generate``, as are ``top_k`` and ``top_p``. Other values than
            the usual ones leave weights within a round, and none over all rounds.
        top_k: see ``temperature``.
        top_p: see ``temperature``.
        judge_seconds: the most that one call of a judge that is a function may take.
        on_round: called after each round.
        trace: a path. The trace of each round is a file of its own, as each has its own prompt:
            ``run.jsonl`` stands for ``run-1.jsonl``, ``run-2.jsonl`` and so on. Or a function from
            the number of a round, counted from 1, to what writes it.

    Returns:
        the texts of all rounds, how they were judged, and the best.

    Raises:
        ArgumentError: an argument cannot be used; the message names it.
        GenerationError: the first round drew no valid text.
        CheckError: the judge, a function, failed, or returned no number.
        CheckTimeoutError: it did not answer in time.
        ConditError: others that ``condit.generate`` raises. Every error raised while texts are
            drawn or judged has ``error.result``: a `Refined` with the rounds before it.
    """
    given = read_instructions(instructions)
    _check(rounds, threshold, strength, seed, on_round, constraint)
    if trace is not None and not isinstance(trace, str | PathLike) and not callable(trace):
        raise ArgumentError(f"refine: trace is of type {type(trace).__name__}: give a path")
    loaded = load(model) if isinstance(model, str | PathLike) else model
    if not isinstance(loaded, Model):
        raise ArgumentError(
            f"refine: the model is of type {type(loaded).__name__}: give one from condit.load, or "
            "its name. A model behind a server cannot judge"
        )
    request = Request(loaded, prompt)
    if decompose:
        known = {each.text for each in given}
        given += tuple(each for each in split(loaded, request.text) if each.text not in known)
    said = [each.text for each in given]
    judged = [each.text for each in given if not each.enforced]
    follows = None
    if judged:
        asked = judge_of(
            judge, loaded, request, said, judged, partial=partial, seconds=judge_seconds
        )
        follows = Follows(asked, float(strength), partial=partial)
    constraints = [each.constraint for each in given if each.constraint is not None]
    options: dict[str, Any] = {
        "n": n,
        "max_tokens": max_tokens,
        "sampler": sampler,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
    }
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    if threshold is None:
        threshold = _CONTRAST_THRESHOLD if judge == "contrast" else 0.0
    run = _Run(
        loaded,
        request,
        given,
        joined(constraints if constraint is None else [*constraints, constraint]),
        follows,
        options,
        threshold=float(threshold),
        at_most=rounds,
        reasons=reasons,
        seed=seed,
        plain=temperature == 1 and top_k is None and top_p == 1,
        trace=writers(trace) if isinstance(trace, str | PathLike) else trace,
    )
    return run.to_its_end(on_round)


@dataclass
class _Run:
    """The loop, and what it has drawn so far."""

    model: Model
    request: Request
    instructions: tuple[Instruction, ...]
    constraint: Constraint | None
    follows: Follows | None
    options: dict[str, Any]
    threshold: float
    at_most: int
    reasons: bool
    seed: int
    plain: bool
    trace: _Writers | None = None
    rounds: list[Round] = field(default_factory=list)

    def to_its_end(self, on_round: Callable[[Round], None] | None) -> Refined:
        ended = "rounds"
        for number in range(1, self.at_most + 1):
            try:
                self.rounds.append(self._round(number))
            except ConditError as error:
                partial = self._refined("failed", str(error), error.result)
                if number > 1 and isinstance(error, GenerationError | PromptTooLongError):
                    return partial
                error.result = partial
                raise
            if on_round is not None:
                on_round(self.rounds[-1])
            if self._best().holds(self.threshold):
                ended = "held"
                break
        return self._refined(ended)

    def _refined(self, ended: str, failure: str = "", unfinished: Result | None = None) -> Refined:
        return Refined(
            self.instructions,
            tuple(self.rounds),
            ended,
            self.follows.judge.name if self.follows is not None else "",
            self.threshold,
            self.at_most,
            self.seed,
            failure,
            unfinished,
        )

    def _best(self) -> Draft:
        return best_of([draft for each in self.rounds for draft in each.drafts], self.threshold)

    def _round(self, number: int) -> Round:
        began, judged_before = time.perf_counter(), self._positions_judged()
        seeds = np.random.SeedSequence([self.seed, number]).generate_state(2).tolist()
        said = [each.text for each in self.instructions]
        failing: tuple[str, ...] = ()
        reason: Result | None = None
        prompt = self.request.asked(said)
        if number > 1:
            best = self._best()
            judged = [each.text for each in self.instructions if not each.enforced]
            failing = tuple(
                text
                for text, odds in zip(judged, best.log_odds, strict=True)
                if odds < self.threshold
            )
            if self.reasons:
                reason = self._reason(said, best.text, failing, seeds[1])
            critique = critique_of(failing, reason.best.text if reason is not None else "")
            prompt = self.request.revised(said, best.text, critique)
        weighed = self.follows is not None and self.follows.strength != 0
        result = generate(
            self.model,
            prompt,
            self.constraint,
            prefer=self.follows if weighed else None,
            heal=False,
            seed=self.seed if number == 1 else seeds[0],
            trace=None if self.trace is None else self.trace(number),
            **self.options,
        )
        stats = [each.stats for each in (result, reason) if each is not None]
        drafts = self._drafts(number, result, prompt)
        return Round(
            number,
            prompt,
            failing,
            reason.best.text if reason is not None else "",
            drafts,
            result,
            time.perf_counter() - began,
            sum(each.tokens for each in stats),
            sum(each.forwards for each in stats),
            self._positions_judged() - judged_before,
        )

    def _reason(self, said: list[str], answer: str, failing: tuple[str, ...], seed: int) -> Result:
        return generate(
            self.model,
            self.request.revised(said, answer, reason_asked(failing)),
            sentence(_REASON_CHARACTERS),
            max_tokens=_REASON_TOKENS,
            heal=False,
            seed=seed,
        )

    def _drafts(self, number: int, result: Result, prompt: Prompt) -> tuple[Draft, ...]:
        samples = result.samples
        odds: list[tuple[float, ...]] = [()] * len(samples)
        if self.follows is not None:
            odds = self.follows.log_odds([each.text for each in samples])
        weights = self._log_weights(number, result)
        rows = zip(samples, odds, weights, strict=True)
        return tuple(Draft(number, *row) for row in rows)

    def _log_weights(self, number: int, result: Result) -> list[float | None]:
        """For the question of the first round."""
        weighted = result.report.guarantee in (Guarantee.EXACT, Guarantee.WEIGHTED)
        if not (weighted and self.plain):
            return [None] * len(result.samples)
        if number == 1:
            return list(result.log_weights)
        first = tuple(self.model.encode_prompt(self.rounds[0].prompt))
        likelihood = SequenceLikelihood(self.model, first)
        found: list[float | None] = []
        for sample in result.samples:
            log_weight = sample.log_weight
            if log_weight > -math.inf and (written := self._written(sample)):
                (row,) = likelihood.log_probabilities([(*first, *written)])
                log_weight += math.fsum(row[len(first) :]) - sample.log_probability
            found.append(log_weight)
        return found

    def _written(self, sample: Sample) -> tuple[int, ...]:
        """Its tokens, with its end where it came to one."""
        end = (self.model.vocabulary.end,) if sample.finish_reason == "stop" else ()
        return (*sample.tokens, *end)

    def _positions_judged(self) -> int:
        return self.follows.judge.positions_forwarded if self.follows is not None else 0


def writers(file: str | PathLike[str], make: Callable[[Path], Writer] = Writer) -> _Writers:
    """What writes the trace of each round: its number stands before the endings of the name.

    Args:
        file: the name that stands for all.
        make: makes the writer of a file.
    """
    path = Path(file)
    endings = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:])
    name = path.name.removesuffix(endings)
    return lambda number: make(path.with_name(f"{name}-{number}{endings}"))


def _check(
    rounds: object,
    threshold: object,
    strength: object,
    seed: object,
    on_round: object,
    constraint: object,
) -> None:
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise ArgumentError(f"refine: rounds={rounds!r} must be a whole number, 1 or more")
    if threshold is not None and not (
        isinstance(threshold, int | float) and not math.isnan(threshold)
    ):
        raise ArgumentError(f"refine: threshold={threshold!r} must be a number, in log-odds")
    if not (isinstance(strength, int | float) and 0 <= strength < math.inf):
        raise ArgumentError(f"refine: strength={strength!r} must be a number, 0 or more")
    if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
        raise ArgumentError(f"refine: seed={seed!r} must be a whole number, 0 or more")
    if on_round is not None and not callable(on_round):
        raise ArgumentError("refine: on_round must be a function of a Round")
    if constraint is not None and not isinstance(constraint, Constraint):
        raise ArgumentError(
            f"refine: the constraint is of type {type(constraint).__name__}: make one with "
            "condit.json_schema, condit.regex or the like"
        )
