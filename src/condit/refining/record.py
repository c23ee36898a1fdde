"""What refining did: every text of every round, how it was judged, and what its weights mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from condit.errors import ArgumentError
from condit.model.base import Prompt
from condit.page.notebook import framed, plain_text
from condit.refining.instruction import Instruction
from condit.refining.judge import log_follows
from condit.report import finite_or_none
from condit.result import Result, Sample
from condit.weights import effective_groups

_LONGEST_SHOWN = 48


@dataclass(frozen=True)
class Draft:
    """A text that was drawn.

    Attributes:
        round: in which round, from 1.
        sample: the sample. Its ``log_weight`` is for the question of its own round.
        log_odds: natural logarithm of the odds that it follows each judged instruction, in order.
        log_weight: natural logarithm of its importance weight for the question of the *first*
            round; ``None`` where it is not known, see ``Refined.weights``.
    """

    round: int
    sample: Sample
    log_odds: tuple[float, ...]
    log_weight: float | None

    @property
    def text(self) -> str:
        """The text."""
        return self.sample.text

    @property
    def log_follows(self) -> float:
        """Natural logarithm of the probability, by the judge, that all judged instructions hold."""
        return log_follows(self.log_odds)

    def holds(self, threshold: float) -> bool:
        """Whether no log-odds is below the threshold."""
        return all(odds >= threshold for odds in self.log_odds)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "text": self.text,
            "valid": self.sample.valid,
            "finish_reason": self.sample.finish_reason,
            "tokens": len(self.sample.tokens),
            "log_odds": [_plain(odds) for odds in self.log_odds],
            "log_follows": _plain(self.log_follows),
            "log_probability": _plain(self.sample.log_probability),
            "log_weight_in_round": _plain(self.sample.log_weight),
            "log_weight": _plain(self.log_weight),
        }


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        number: from 1.
        prompt: what the model was asked.
        failing: the judged instructions that the best text before it did not follow.
        reason: why, in a sentence by the model; empty unless it was asked for.
        drafts: one for each lane.
        result: the draws. Its target is the law of texts after this round's prompt, given the
            constraint, times the judge's preference.
        seconds: wall-clock time, with judging and the sentence.
        tokens: tokens drawn, with those of the sentence.
        forwards: forwards of the model, those for judging not counted.
        positions_judged: token positions that the model computed to judge.
    """

    number: int
    prompt: Prompt
    failing: tuple[str, ...]
    reason: str
    drafts: tuple[Draft, ...]
    result: Result
    seconds: float
    tokens: int
    forwards: int
    positions_judged: int

    def best(self, threshold: float) -> Draft:
        """The text that the judge finds best, among those that satisfy the constraint."""
        return best_of(self.drafts, threshold)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the trace, ready for JSON."""
        return {
            "number": self.number,
            "prompt": self.prompt,
            "failing": list(self.failing),
            "reason": self.reason,
            "drafts": [each.to_dict() for each in self.drafts],
            "log_evidence": finite_or_none(self.result.log_evidence),
            "ess": self.result.ess,
            "sampler": self.result.sampler,
            "seed": self.result.seed,
            "seconds": self.seconds,
            "tokens": self.tokens,
            "forwards": self.forwards,
            "positions_judged": self.positions_judged,
        }


@dataclass(frozen=True)
class Refined:
    """The result of ``condit.refine``; ``print`` it for a table.

    Attributes:
        instructions: what was asked for, and whether it was enforced or judged.
        rounds: what was drawn; none if the first round failed (in the partial result of an error).
        ended: ``"held"``: no judged instruction was left below the threshold; ``"rounds"``: there
            were no more rounds; ``"failed"``: a round after the first drew nothing, and the texts
            before it stand; or the run ended with the error that has this result.
        failure: the message of that error; else empty.
        unfinished: the partial result of the draw that failed, where there is one.
        judge: what judged.
        threshold: the log-odds from which on an instruction counts as followed.
        at_most: how many rounds there could have been.
        seed: the value of ``seed=`` that gives this again.
    """

    instructions: tuple[Instruction, ...]
    rounds: tuple[Round, ...]
    ended: str
    judge: str
    threshold: float
    at_most: int
    seed: int
    failure: str = ""
    unfinished: Result | None = None

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """All texts of all rounds."""
        return tuple(draft for each in self.rounds for draft in each.drafts)

    @property
    def best(self) -> Draft:
        """The best text of all rounds, by the judge: one that follows all judged instructions
        before others, then the one most probably following them all. The first of equals.

        Raises:
            ArgumentError: nothing was drawn (in the partial result of an error).
        """
        if not self.rounds:
            raise ArgumentError(f"no text was drawn: {self.failure}")
        return best_of(self.drafts, self.threshold)

    @property
    def text(self) -> str:
        """The best text."""
        return self.best.text

    @property
    def value(self) -> Any:
        """The value of the best text, if the constraint has a type; else ``None``."""
        return self.best.sample.value

    @property
    def held(self) -> bool:
        """Whether the best text follows all instructions, as far as judge and programs say."""
        return bool(self.rounds) and self.best.holds(self.threshold)

    @property
    def judged(self) -> tuple[Instruction, ...]:
        """The instructions that are judged, in the order of ``Draft.log_odds``."""
        return tuple(each for each in self.instructions if not each.enforced)

    @property
    def weights(self) -> tuple[float, ...]:
        """Normalised weights (linear) of all ``drafts`` for the question of the first round.

        That is: of the texts of the model after the *first* prompt, given the constraint, times the
        preference. A later round draws after another prompt; there ``p(x | first prompt) / p(x |
        its prompt)`` is multiplied onto the weight, so a critique only changes where is looked.
        Given what came before it, each round's mean weight is an unbiased estimate of the first
        question's evidence. Averages by these weights are consistent as ``n`` grows; they are not
        unbiased, for how many rounds there are depends on what was drawn. See ``ess`` first: it is
        small where a critique leads far away.

        Raises:
            ArgumentError: there are no such weights: the sampler is a search or biased, or
                temperature, top-k or top-p reshape the law; or nothing was drawn.
        """
        highest = max(self._log_weights, default=-math.inf)
        if highest == -math.inf:
            raise ArgumentError("no text has a weight: nothing valid was drawn")
        weights = [math.exp(each - highest) for each in self._log_weights]
        total = math.fsum(weights)
        return tuple(each / total for each in weights)

    @property
    def ess(self) -> float:
        """How many independent, equally weighted draws all ``drafts`` are worth, by ``weights``."""
        lineages = [(draft.round, draft.sample.lineage) for draft in self.drafts]
        return effective_groups(self._log_weights, lineages)

    @property
    def _log_weights(self) -> list[float]:
        known = [each.log_weight for each in self.drafts if each.log_weight is not None]
        if len(known) < len(self.drafts):
            raise ArgumentError(
                "weights over all rounds are not known here: they need a weighted sampler, and the "
                "model's own law (temperature 1, no top_k, top_p 1). Each round has its own: "
                "rounds[i].result.weights"
            )
        return known

    @property
    def tokens(self) -> int:
        """Tokens drawn in all rounds."""
        return sum(each.tokens for each in self.rounds)

    @property
    def seconds(self) -> float:
        """Wall-clock time of all rounds."""
        return math.fsum(each.seconds for each in self.rounds)

    def to_dict(self) -> dict[str, Any]:
        """Everything but traces, ready for JSON; infinite and unknown numbers are ``None``."""
        weighted = all(each.log_weight is not None for each in self.drafts) and any(
            each.log_weight != -math.inf for each in self.drafts
        )
        return {
            "text": self.text if self.rounds else None,
            "held": self.held,
            "ended": self.ended,
            "failure": self.failure,
            "best": self.drafts.index(self.best) if self.rounds else None,
            "instructions": [
                {"text": each.text, "dealt_with": _dealt_with(each), "by": each.by}
                for each in self.instructions
            ],
            "rounds": [each.to_dict() for each in self.rounds],
            "weights": list(self.weights) if weighted else None,
            "ess": self.ess if weighted else None,
            "judge": self.judge,
            "threshold": self.threshold,
            "at_most": self.at_most,
            "seed": self.seed,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        bests = [each.best(self.threshold) for each in self.rounds]
        rows = [["instruction", "dealt with", *(f"round {each.number}" for each in self.rounds)]]
        place = 0
        for each in self.instructions:
            cells = ["holds"] * len(bests)
            if not each.enforced:
                cells = [f"{draft.log_odds[place]:+.2f}" for draft in bests]
                place += 1
            rows.append([_shown(each.text), _dealt_with(each), *cells])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        lines.append(self._summary())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        best = f"\n\n{self.text}" if self.rounds else ""
        return framed(plain_text(f"{self}{best}"))

    def _summary(self) -> str:
        if not self.rounds:
            return f"no text was drawn: {self.failure}"
        said = {"held": "all is followed", "rounds": "not all is followed"}
        ended = said.get(self.ended, f"ended by an error: {self.failure}")
        rounds = "1 round" if len(self.rounds) == 1 else f"{len(self.rounds)} rounds"
        judged = f"log-odds by {self.judge} of each round's best text; " if self.judged else ""
        return (
            f"{judged}{ended}\n{rounds} of at most {self.at_most}, {len(self.drafts)} texts, "
            f"{self.tokens} tokens, {self.seconds:.1f} s; the best text is of round "
            f"{self.best.round}"
        )


def best_of(drafts: Sequence[Draft], threshold: float) -> Draft:
    """The best by the judge; where nothing is judged, the most probable. The first of equals."""
    valid = [each for each in drafts if each.sample.valid] or list(drafts)

    def rank(draft: Draft) -> tuple[bool, float, float]:
        probable = 0.0 if draft.log_odds else draft.sample.log_probability
        return draft.holds(threshold), draft.log_follows, probable

    return max(valid, key=rank)


def _dealt_with(instruction: Instruction) -> str:
    return "enforced" if instruction.enforced else "judged"


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 3]}..."


def _plain(number: float | None) -> float | None:
    return None if number is None else finite_or_none(number)
