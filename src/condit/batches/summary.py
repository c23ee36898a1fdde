"""What came of a batch, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """The sums over all answers in the output, and what this run took.

    Attributes:
        rows: rows with an answer.
        answered: rows without an error.
        errors: how many rows have an error, by its type, the most frequent first.
        samples: texts drawn, partial ones of errors included.
        valid: texts with a weight above 0.
        rows_truncated: rows with a text that met ``max_tokens`` unfinished.
        truncated: such texts.
        tokens: tokens drawn.
        ess: the mean effective sample size of rows with a valid text; ``None`` if there is none.
        new_rows: rows that this run answered.
        new_tokens: tokens that it drew.
        seconds: what it took, wall-clock.
    """

    rows: int
    answered: int
    errors: Mapping[str, int]
    samples: int
    valid: int
    rows_truncated: int
    truncated: int
    tokens: int
    ess: float | None
    new_rows: int
    new_tokens: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Rows that this run answered in a second."""
        return self.new_rows / self.seconds if self.seconds else 0.0

    @property
    def tokens_per_second(self) -> float:
        """Tokens that this run drew in a second."""
        return self.new_tokens / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        rates = {
            "rows_per_second": self.rows_per_second,
            "tokens_per_second": self.tokens_per_second,
        }
        return {**asdict(self), "errors": dict(self.errors), **rates}

    def __str__(self) -> str:
        said = [f"{self.rows} rows: {self.answered} answered, {self.rows - self.answered} errors"]
        said += [f"  {count} {kind}" for kind, count in self.errors.items()]
        said.append(
            f"{self.samples} texts: {self.valid} valid, {self.truncated} met max_tokens "
            f"(in {self.rows_truncated} rows)"
        )
        if self.ess is not None:
            said.append(f"effective sample size: {self.ess:.2f} a row on average")
        said.append(
            f"this run: {self.new_rows} rows, {self.new_tokens} tokens in {self.seconds:.1f} s "
            f"({self.rows_per_second:.2f} rows/s, {self.tokens_per_second:.0f} tokens/s)"
        )
        return "\n".join(said)
