"""What an agent did: its events, and how far to trust several runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from condit.errors import ArgumentError
from condit.temporal.validation import Validation
from condit.weights import effective_groups, log_mean_exp


@dataclass(frozen=True)
class Event:
    """An event of a run.

    Attributes:
        name: what happened.
        text: what was said in it, without opening and closing.
        written: the whole of it, as it stands in the transcript.
        value: of a drawn event the value of its text; of an outcome what the tool returned.
        given: whether it came from a tool: the model did not draw it, and it has no probability.
        tokens: its token ids.
        log_probability: natural logarithm of the probability of its tokens, by the model; 0 for
            given ones, and ``nan`` for one that was written because no draw succeeded.
        seconds: how long it took to draw it, or the tool to answer.
    """

    name: str
    text: str
    written: str
    value: Any
    given: bool
    tokens: tuple[int, ...]
    log_probability: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """One run of an agent.

    Attributes:
        events: what happened, in order.
        validation: what the definition of the specification says of it, clause by clause.
        reason: why it ended: ``"end"``: the model ended it; ``"complete"``: nothing may follow;
            ``"limit"``: a limit left no room for more.
        log_probability: natural logarithm of the probability of all that was drawn.
        log_weight: natural logarithm of its importance weight; see `Runs`.
        log_preference: natural logarithm of the preference's weight of its text.
        lineage: the index of the lane that it descends from by resampling.
    """

    events: tuple[Event, ...]
    validation: Validation
    reason: str
    log_probability: float
    log_weight: float
    log_preference: float = 0.0
    lineage: int = 0

    @property
    def text(self) -> str:
        """The transcript, without the prompt."""
        return "".join(event.written for event in self.events)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the events."""
        return tuple(event.name for event in self.events)

    @property
    def satisfied(self) -> bool:
        """Whether the specification holds, by its definition."""
        return bool(self.validation)

    @property
    def tokens(self) -> tuple[int, ...]:
        """The token ids of the transcript."""
        return tuple(token for event in self.events for token in event.tokens)

    @property
    def drawn(self) -> int:
        """How many of its tokens were drawn."""
        return sum(len(event.tokens) for event in self.events if not event.given)

    def last(self, name: str) -> Event | None:
        """The last event of that name; ``None``: there is none."""
        return next((each for each in reversed(self.events) if each.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "events": [
                {
                    "name": each.name,
                    "text": each.text,
                    "given": each.given,
                    "tokens": len(each.tokens),
                    "log_probability": _plain(each.log_probability),
                    "seconds": each.seconds,
                }
                for each in self.events
            ],
            "satisfied": self.satisfied,
            "failures": [str(each) for each in self.validation.failures],
            "reason": self.reason,
            "log_probability": _plain(self.log_probability),
            "log_weight": _plain(self.log_weight),
        }


@dataclass(frozen=True)
class Runs:
    """Several runs of one agent, with weights.

    The target is the law of the model's transcripts, tools answering as they do, restricted to
    those that the game lets through, times the preference. The mean weight estimates its mass.

    Attributes:
        runs: one for each lane.
        seed: the value of ``seed=`` that gives them again, where tools answer the same again.
        resamplings: how many times lanes were resampled.
        seconds: wall-clock time.
        calls: how many calls each tool has had.
    """

    runs: tuple[Run, ...]
    seed: int
    resamplings: int = 0
    seconds: float = 0.0
    calls: Mapping[str, int] = field(default_factory=dict)

    @property
    def log_evidence(self) -> float:
        """Natural logarithm of the mean weight; meaningful where tools are pure."""
        return log_mean_exp([run.log_weight for run in self.runs])

    @property
    def weights(self) -> tuple[float, ...]:
        """Each run's weight divided by their sum; equal ones where all are 0."""
        logs = np.array([run.log_weight for run in self.runs])
        if not np.isfinite(logs).any():
            return (1 / len(logs),) * len(logs)
        found = np.exp(logs - logs.max())
        return tuple(float(each) for each in found / found.sum())

    @property
    def ess(self) -> float:
        """How many independent runs these are worth; see ``condit.Result.ess``."""
        return effective_groups(
            [run.log_weight for run in self.runs], [run.lineage for run in self.runs]
        )

    @property
    def best(self) -> Run:
        """The run of the highest probability times preference."""

        def worth(run: Run) -> tuple[bool, float]:
            value = run.log_probability + run.log_preference
            return run.log_weight > -math.inf, value if not math.isnan(value) else -math.inf

        return max(self.runs, key=worth)

    def draw(self, rng: np.random.Generator | None = None) -> Run:
        """A run drawn by weight.

        Args:
            rng: by default one made of the seed.
        """
        if not self.runs:
            raise ArgumentError("there are no runs")
        rng = rng or np.random.default_rng(self.seed)
        return self.runs[int(rng.choice(len(self.runs), p=self.weights))]


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
