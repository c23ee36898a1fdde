"""How rows are answered: each is a call of ``condit.generate``, and several share forwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

from condit.batches import openai_rows, requests
from condit.batches.answers import Answer, answer_of
from condit.batches.constraints import ConstraintCache
from condit.batches.rows import Row
from condit.batches.seeds import seed_of
from condit.batches.settings import Settings
from condit.errors import RunCancelledError
from condit.generate import generate
from condit.model.base import Model
from condit.model.shared import together
from condit.result import Result

_AHEAD = 8
"""Times as many rows are taken, so that a long one holds up no others where order is kept."""


class Answering:
    """Answers rows by the settings of a batch. Threads may share it.

    Args:
        settings: the batch's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
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
        outcome: Result | Exception
        try:
            outcome = self._result(model, row)
        except RunCancelledError:
            raise
        except Exception as error:  # of whatever kind: other rows are still to be answered
            outcome = error
        return answer_of(row, outcome, self._settings.model)

    def _result(self, model: Model, row: Row) -> Result:
        if row.fault is not None:
            raise row.fault
        settings = self._settings
        if row.is_openai:
            wanted = None if settings.any_model else settings.model
            request = openai_rows.request_of(row, self._constraints, wanted)
        else:
            request = requests.request_of(row, self._constraints)
        seed = {"seed": seed_of(settings.seed, row.id)}
        options: dict[str, Any] = settings.options() | seed | dict(request.options)
        constraint = settings.constraint if request.constraint is None else request.constraint
        return generate(model, settings.prompt_of(request.prompt), constraint, **options)
