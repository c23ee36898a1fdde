"""How rows are answered: each is a call of ``condit.generate``, and several share forwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

from condit.batches import openai_rows, requests
from condit.batches.answers import Answer, Outcome, answer_of
from condit.batches.constraints import ConstraintCache
from condit.batches.rows import Row
from condit.batches.seeds import seed_of
from condit.batches.settings import Settings
from condit.errors import RunCancelledError
from condit.generate import generate
from condit.model.base import Model
from condit.model.shared import SharedModel, together

MOST_LANES = 128
"""The most texts of one row, unless it is said: each takes some megabytes of a small model."""

_AHEAD = 8
"""Times as many rows are taken, so that a long one holds up no others where order is kept."""


class Answering:
    """Answers rows by the settings of a batch. Threads may share it.

    Args:
        settings: the batch's.
        most_lanes: the most texts of one row; rows that would have more together wait for each
            other. By default `MOST_LANES`, or as many as the batch draws for each row.

    Attributes:
        most_lanes: how many that are.
    """

    def __init__(self, settings: Settings, most_lanes: int | None = None) -> None:
        self._settings = settings
        self.most_lanes = max(MOST_LANES, settings.n) if most_lanes is None else most_lanes
        self._constraints = ConstraintCache()

    def answers(
        self, model: Model, rows: Iterable[Row], *, at_once: int, in_order: bool = True
    ) -> Iterator[tuple[Row, Answer]]:
        """Rows with their answers.

        Args:
            model: the model.
            rows: the rows, taken as they are needed.
            at_once: how many share forwards.
            in_order: whether answers come in the order of the rows, or as they are drawn.
        """

        def call(row: Row, shared: Model) -> tuple[Row, Answer]:
            return row, self.answer(shared, row)

        if not isinstance(model, SharedModel):
            model = SharedModel(model, most_lanes=self.most_lanes)
        calls = (partial(call, row) for row in rows)
        ahead = _AHEAD * at_once
        futures = together(model, calls, at_once=at_once, ahead=ahead, in_order=in_order)
        with closing(futures):  # type: ignore[type-var]
            for future in futures:
                yield future.result()

    def answer(self, model: Model, row: Row) -> Answer:
        """The answer to a row; whatever goes wrong with it is in the answer.

        Raises:
            RunCancelledError: the batch is ending, and the row has no answer.
        """
        outcome: Outcome
        try:
            outcome = self._outcome(model, row)
        except RunCancelledError:
            raise
        except Exception as error:  # of whatever kind: other rows are still to be answered
            outcome = error
        return answer_of(row, outcome)

    def _outcome(self, model: Model, row: Row) -> Outcome:
        if row.fault is not None:
            raise row.fault
        settings = self._settings
        if row.is_openai:
            most = self.most_lanes
            return openai_rows.reply_to(row, model, settings, self._constraints, most)
        request = requests.request_of(row, self._constraints)
        if (n := request.options.get("n", settings.n)) > self.most_lanes:
            raise row.error(
                f"n={n} is more than the {self.most_lanes} texts that a row may draw here: ask "
                "for fewer, or let the batch draw more for one row (most_lanes, --most-lanes)",
                "n",
            )
        seed = {"seed": seed_of(settings.seed, row.id)}
        options: dict[str, Any] = settings.options() | seed | dict(request.options)
        constraint = settings.constraint if request.constraint is None else request.constraint
        return generate(model, settings.prompt_of(request.prompt), constraint, **options)
