"""The result of ``condit.generate``: samples, weights, costs. ``outcome.py`` makes it of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from condit.agreement import Agreement, paths_in
from condit.errors import ArgumentError, MissingDependencyError
from condit.fields import ABSENT, content, find, no_such_field, path_of, steps_of
from condit.marginal import Marginal, marginal_of, plain
from condit.page.distinct import Distinct, distinct
from condit.page.notebook import notebook
from condit.page.table import table
from condit.page.words import counted, duration, number
from condit.report import Guarantee, Report, finite_or_none
from condit.trace import (
    Alternatives,
    FinishReason,
    RunInfo,
    StepInfo,
    lines_of,
    save,
)
from condit.weights import effective_groups, effective_sample_size, log_mean_exp


@dataclass(frozen=True)
class Sample:
    """One text.

    Attributes:
        text: the text, without the prompt.
        tokens: its token ids, without the end token. Where the prompt was healed they also spell
            ``result.healed``, which comes before the text.
        log_weight: natural logarithm of its importance weight; the mean weight of a result's
            samples estimates ``Z``. ``-inf`` unless ``finish_reason`` is ``"stop"`` (or there was
            no constraint).
        log_probability: natural logarithm of the probability of its tokens, and of its end, under
            the base law; given that they spell ``result.healed``, where the prompt was healed.
        finish_reason: ``"stop"``: finished and valid; ``"length"``: met ``max_tokens``
            unfinished; ``"dead_end"``: no allowed token had any probability, or the finished text
            was not valid; ``"rejected"``: no attempt was accepted (this is the longest).
        value: the parsed and validated value, if the constraint has a type; else ``None``.
        log_preference: natural logarithm of ``φ`` of the text, a factor of its weight (or the
            score it was chosen by); 0 without a preference.
        lineage: index of the initial lane that it descends from by resampling: samples of one
            lineage share a prefix, and may be copies.
        given: ranges of indices of ``tokens`` that the caller inserted (``insert=``). These have
            no part in ``log_probability``.
    """

    text: str
    tokens: tuple[int, ...]
    log_weight: float
    log_probability: float
    finish_reason: FinishReason
    value: Any = None
    log_preference: float = 0.0
    lineage: int = 0
    given: tuple[range, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether its weight is above 0, so that it is finished and satisfies the constraint."""
        return self.log_weight > -math.inf


@dataclass(frozen=True)
class Stats:
    """Costs of a run.

    Attributes:
        seconds: wall-clock time, the prompt's forward included.
        prompt_tokens: tokens in the prompt.
        tokens: tokens drawn over all lanes, end tokens and replaced lanes included.
        positions_forwarded: token positions that the model computed, drafts included; of the
            prompt those that were not in the cache.
        forwards: how many forwards that took.
        drafted: positions that were forwarded for guessed tokens.
        accepted: tokens drawn from logits that the forward of a guess had given.
        forced: drawn tokens of which the constraint forced every byte.
        checks: single tokens that the constraint was asked about.
        masks: whole masks that were computed.
        resamplings: how many times lanes were resampled.
    """

    seconds: float
    prompt_tokens: int
    tokens: int
    positions_forwarded: int
    forwards: int
    drafted: int
    accepted: int
    forced: int
    checks: int
    masks: int
    resamplings: int

    @property
    def tokens_per_second(self) -> float:
        """Tokens drawn per second of wall-clock time."""
        return self.tokens / self.seconds if self.seconds else math.inf


@dataclass(frozen=True)
class Result:
    """Weighted draws from ``p(x | C)``; ``print`` it for a table.

    Attributes:
        samples: one for each lane, in lane order.
        sampler: the sampler that made the draws, with its settings.
        reason: why that sampler.
        seed: the value of ``seed=`` that gives this result again.
        stats: costs of the run.
        report: how far to trust the draws, in numbers.
        trace: a record of each step.
        run: what the run was asked; ``None`` if Condit did not run it.
        healed: the end of the prompt that was taken back and written again; ``""`` if none was.
        greedy: drawn at temperature 0, where weights and evidence are not defined.
    """

    samples: tuple[Sample, ...]
    sampler: str
    seed: int
    stats: Stats
    report: Report
    reason: str = ""
    trace: tuple[StepInfo, ...] = ()
    run: RunInfo | None = field(default=None, repr=False)
    healed: str = ""
    greedy: bool = False
    _rng: np.random.Generator = field(default_factory=np.random.default_rng, repr=False)

    @property
    def log_weights(self) -> tuple[float, ...]:
        """Natural logarithm of each sample's weight."""
        return tuple(sample.log_weight for sample in self.samples)

    @property
    def weights(self) -> tuple[float, ...]:
        """Each sample's weight divided by their sum (linear); all 0 if none is valid."""
        highest = max(self.log_weights, default=-math.inf)
        if highest == -math.inf:
            return (0.0,) * len(self.samples)
        weights = [math.exp(value - highest) for value in self.log_weights]
        total = math.fsum(weights)
        return tuple(weight / total for weight in weights)

    @property
    def log_evidence(self) -> float:
        """Natural logarithm of ``Ẑ``, an unbiased estimate of the mass ``Z`` of valid texts.

        NaN at temperature 0, where it is not defined.
        """
        return math.nan if self.greedy else log_mean_exp(self.log_weights)

    @property
    def ess(self) -> float:
        """Effective sample size: how many independent, equally weighted draws these are worth.

        ``1 / Σ W²`` over the shares ``W`` of the weight that lineages have: between 1 and their
        number; 0 if no sample is valid. Samples of one lineage count as one draw; see
        ``condit.weights``.
        """
        return effective_groups(self.log_weights, [sample.lineage for sample in self.samples])

    @property
    def kish_ess(self) -> float:
        """The same over single samples (Kish 1965): how even the weights are, copies or not."""
        return effective_sample_size(self.log_weights)

    @property
    def distinct(self) -> int:
        """How many different texts are among the valid samples."""
        return len({sample.text for sample in self.samples if sample.valid})

    @property
    def best(self) -> Sample:
        """The valid sample with the highest posterior probability, that is, the highest ``p φ``.

        If no sample is valid (the partial result of an error), the longest.
        """
        valid = self._valid()
        if valid:
            return max(valid, key=lambda s: s.log_probability + s.log_preference)
        return max(self.samples, key=lambda sample: len(sample.tokens))

    def draw(self, rng: np.random.Generator | None = None) -> Sample:
        """One sample, drawn by weight: an (approximate) draw from ``p(x | C)``.

        Args:
            rng: by default the result's own generator, so that the same seed gives the same
                sequence of draws.

        Raises:
            ArgumentError: no sample is valid.
        """
        if not self._valid():
            raise ArgumentError("no sample is valid, so none can be drawn")
        chosen = (rng or self._rng).choice(len(self.samples), p=np.array(self.weights))
        return self.samples[int(chosen)]

    def marginal(self, of: str | Callable[[Any], Any] | None = None) -> Marginal:
        """The weighted distribution of a field: an estimate of its marginal under ``p(x | C)``.

        Args:
            of: a path into the value of a sample, or into its text as JSON if it has no value:
                ``"people[0].role"``, ``'people[0]["odd key"]'``; ``""`` is all of it. Or a
                function of the value, or of the text if there is no value:
                ``lambda order: order.due.year``. By default the text.

        Returns:
            each different value with its share and the standard error of that, the largest first.
            Samples without the field have the value ``condit.ABSENT``. Empty if no sample is valid.

        Raises:
            ArgumentError: the path cannot be read, or no sample has it; the message says what is
                there instead. It is neither a path nor a function, or what the function returns
                cannot be compared.
        """
        samples = self._valid()
        if of is None:
            return self._marginal("text", [sample.text for sample in samples])
        if isinstance(of, str):
            steps = steps_of(of)
            values = [content(sample.value, sample.text) for sample in samples]
            found = [find(value, steps) for value in values]
            if found and all(value is ABSENT for value in found):
                raise no_such_field(of, steps, values)
            return self._marginal(of, found)
        if not callable(of):
            raise ArgumentError(
                f"marginal: {of!r} is of type {type(of).__name__}: give a path such as "
                "'people[0].role', or a function of the value"
            )
        name = getattr(of, "__name__", type(of).__name__).replace("<lambda>", "a function")
        return self._marginal(
            name, [of(sample.text if sample.value is None else sample.value) for sample in samples]
        )

    def agreement(self) -> Agreement:
        """The marginal of each field of the samples, and how far two of them agree.

        Fields are looked for in the value of a sample, or in its text as JSON if it has no value;
        a text that is no JSON object or array is one field. ``print`` it for a table.
        """
        values = [content(sample.value, sample.text) for sample in self._valid()]
        return Agreement(
            tuple(
                self._marginal(path_of(steps), [find(value, steps) for value in values])
                for steps in paths_in(values)
            )
        )

    def _valid(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.valid]

    def _marginal(self, name: str, values: Sequence[Any]) -> Marginal:
        """The marginal of ``values``, one for each valid sample."""
        samples = zip(self.samples, self.weights, strict=True)
        return marginal_of(
            name,
            values,
            [weight for sample, weight in samples if sample.valid],
            [sample.lineage for sample in self._valid()],
            random=not self.greedy and self.report.guarantee is not Guarantee.SEARCH,
        )

    def __repr__(self) -> str:
        return (
            f"<Result: {counted(len(self.samples), 'sample')}, "
            f"{counted(self.distinct, 'distinct valid text')}, "
            f"log evidence {number(self.report.log_evidence)}, "
            f"effective sample size {number(self.report.ess)}, "
            f"{self.sampler}, seed {self.seed}>"
        )

    def __str__(self) -> str:
        stats = self.stats
        sampler = self.sampler.split("(")[0]
        facts = [
            f"effective sample size {self.ess:.2f} of {len(self.samples)}; "
            f"{self.report.evidence_in_words}",
            f"{sampler}: {counted(stats.tokens, 'token')} in {duration(stats.seconds)}; "
            f"seed {self.seed}",
        ]
        return table(self._distinct(), facts)

    def _repr_html_(self) -> str:
        """What notebooks show: HTML without scripts, of at most about 200 KB."""
        return notebook(*self._shown())

    def plot(self, what: str | None = None, *, ax: Any = None) -> Any:
        """A picture of the run by matplotlib: ``pip install 'condit[plot]'``.

        Args:
            what: ``"evidence"``: the natural logarithm of the estimate of ``Z`` against steps;
                ``"ess"``: the effective sample size against steps; ``"genealogy"``: the lanes, as
                wide as their weight, grey where no sample descends from them; ``"marginals"``: the
                share of the weight of each field's values, with standard errors. By default all.
            ax: the axes to draw on, where ``what`` is one of these.

        Returns:
            the ``matplotlib.figure.Figure``: a new one, or that of the axes. pyplot is not used.

        Raises:
            MissingDependencyError: matplotlib is not installed.
            ArgumentError: there is no such picture, or there are axes for all of them.
        """
        try:
            from condit.page.plots import plot
        except ImportError as error:
            raise MissingDependencyError(
                f"plot needs matplotlib ({error.name} is missing): pip install 'condit[plot]'"
            ) from error
        return plot(what, *self._shown(), ax)

    def _shown(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The summary, and the lines of the trace, if there is one."""
        summary = self.summary()
        return summary, lines_of(self.run, self.trace, summary) if self.run else []

    def _distinct(self) -> list[Distinct]:
        """The different texts, the heaviest first."""
        return distinct(
            (sample.text, sample.finish_reason, sample.valid, weight)
            for sample, weight in zip(self.samples, self.weights, strict=True)
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything but the trace, ready for JSON: infinite and undefined numbers are ``None``."""
        return {
            "samples": [
                {
                    "text": sample.text,
                    "value": plain(sample.value),
                    "tokens": list(sample.tokens),
                    "log_weight": finite_or_none(sample.log_weight),
                    "weight": weight,
                    "log_probability": finite_or_none(sample.log_probability),
                    "log_preference": finite_or_none(sample.log_preference),
                    "finish_reason": sample.finish_reason,
                    "valid": sample.valid,
                    "lineage": sample.lineage,
                    "given": [[span.start, span.stop] for span in sample.given],
                }
                for sample, weight in zip(self.samples, self.weights, strict=True)
            ],
            "best": self.samples.index(self.best),
            "log_evidence": finite_or_none(self.log_evidence),
            "ess": self.ess,
            "kish_ess": self.kish_ess,
            "distinct": self.distinct,
            "sampler": self.sampler,
            "reason": self.reason,
            "report": self.report.to_dict(),
            "healed": self.healed,
            "seed": self.seed,
            "stats": {**asdict(self.stats), "tokens_per_second": self.stats.tokens_per_second},
        }

    def summary(self) -> dict[str, Any]:
        """What a trace file says at its end: ``to_dict``, the report in words, and marginals."""
        try:
            fields: Sequence[Marginal] = self.agreement()
        except ArgumentError:  # values that cannot be compared
            fields = ()
        marginals = [each.to_line() for each in fields]
        return {**self.to_dict(), "report_in_words": str(self.report), "marginals": marginals}

    def save(
        self,
        path: str | PathLike[str],
        *,
        error: Exception | None = None,
        alternatives: Iterable[Alternatives] = (),
    ) -> None:
        """Write the trace of the run into a file, for ``condit.trace.read`` and other programs.

        The format is documented under "The trace". The file is replaced in one piece.

        Args:
            path: where to; compressed if it ends in ``.gz``.
            error: what the run failed with, of a partial result: ``error.result.save(path,
                error=error)``.
            alternatives: what could have come in the place of draws: see ``condit.alternatives``.

        Raises:
            ArgumentError: the file cannot be written, or Condit did not run what gave the result.
        """
        save(path, self._asked(), self.trace, self.summary(), error, alternatives)

    def trace_lines(self) -> list[dict[str, Any]]:
        """The lines that ``save`` writes, as plain values.

        Raises:
            ArgumentError: Condit did not run what gave the result.
        """
        return lines_of(self._asked(), self.trace, self.summary())

    def _asked(self) -> RunInfo:
        if self.run is None:
            raise ArgumentError(
                "this result has no trace: its texts were drawn by another program than Condit"
            )
        return self.run

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: without the constraint and the vocabulary, which are large."""
        if self.run is None:
            return self.__dict__
        drawn = (each for info in self.trace for each in (*info.draws, *info.redraws))
        tokens = {each.token for each in drawn if each.token is not None}
        tokens.update(token for info in self.trace for ended in info.ends for token in ended.tokens)
        return {**self.__dict__, "run": self.run.portable(tokens)}
