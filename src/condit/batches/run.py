"""``condit.batch``: a file of prompts becomes a file of answers.

How one row is answered is in ``answering.py``, how many share forwards in `condit.model.shared`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from condit.batches import tables
from condit.batches.answering import Answering
from condit.batches.answers import Answer, tally_of
from condit.batches.output import OutputFile, opened
from condit.batches.progress import Pace, Progress
from condit.batches.rows import Row
from condit.batches.seeds import fresh_seed
from condit.batches.settings import Settings
from condit.batches.sources import Source, source_of
from condit.batches.summary import Summary
from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.generate import sampler_of
from condit.model.base import Model
from condit.model.load import load
from condit.prefer.base import Preference
from condit.sampler.base import Sampler
from condit.speculate.settings import Drafts

ROWS_AT_ONCE = 8
"""How many rows share forwards, unless it is said: as good as any in ``scripts/bench batch`` for
rows with the usual settings, whose guesses fill a forward; rows that make none gain from more."""


def batch(
    model: Model | str,
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    constraint: Constraint | None = None,
    *,
    rows_at_once: int = ROWS_AT_ONCE,
    in_order: bool = True,
    restart: bool = False,
    retry_failed: bool = False,
    most_lanes: int | None = None,
    n: int = 1,
    max_tokens: int = 256,
    prefer: Preference | None = None,
    sampler: str | Sampler = "auto",
    seed: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    stop: str | Sequence[str] = (),
    drafts: bool | Drafts = True,
    instruct: bool | str = False,
    heal: bool | None = None,
    chat: bool = False,
    system: str | None = None,
    any_model: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Answer every row of a file of prompts, and append the answers to another file.

    A row is a line with a JSON object: ``{"prompt": "..."}`` with whatever else it asks for, or one
    of OpenAI's batch files; or a row of a Parquet file with such columns. An answer is a line with
    a JSON object, in OpenAI's shape for OpenAI's rows. Rows share forwards of the model. A row that
    cannot be answered has its error in its answer, and the others go on.

    A batch that ended early, in whatever way, goes on where it was when it is started again with
    the same files and settings: no row is lost, and none is answered twice. Beside the output are
    ``OUTPUT.manifest``, which knows what is answered, and ``OUTPUT.lock``. Memory does not grow
    with the number of rows.

    Args:
        model: a model, or what ``condit.load`` takes.
        input: a file of JSON lines, maybe compressed (``.gz``), or a ``.parquet`` file; or ``"-"``
            for lines of standard input, which are to be given again to a batch that goes on.
        output: a file of JSON lines; or a ``.parquet`` file, which is made at the end of the lines
            in ``OUTPUT.jsonl`` beside it.
        constraint: for rows without one of their own.
        rows_at_once: how many rows share forwards.
        in_order: whether answers are in the order of the rows, or as they come. Where answers are
            there that are not, they are brought into this order at the end.
        restart: delete the answers that are there, and begin anew.
        retry_failed: keep the answers that are there, but for those with an error, whose rows are
            answered again; these rows may have been changed.
        most_lanes: the most texts that a row may draw, an error of rows that ask for more; rows
            that would draw more together wait for each other. By default 128, or ``n``.
        n: for this and the arguments that follow see ``condit.generate``. A row may set its own
            ``n``, ``max_tokens``, ``seed``, ``temperature``, ``top_k``, ``top_p``, ``stop``,
            ``sampler``, ``drafts``, ``instruct`` and ``heal``.
        max_tokens: as there.
        prefer: as there. It is called from several threads at once.
        sampler: as there.
        seed: the seed of the batch. Each row's own is made of it and of the row's id, so that what
            is drawn depends neither on other rows nor on when it is drawn. By default a fresh one,
            or that of the batch that goes on.
        temperature: as there.
        top_k: as there.
        top_p: as there.
        stop: as there.
        drafts: as there.
        instruct: as there.
        heal: as there.
        chat: send prompts that are text through the model's chat template.
        system: a system message before prompts that are text; implies ``chat``.
        any_model: answer rows of OpenAI's shape that name another model, too.
        on_progress: called after each answer.

    Returns:
        sums over all answers in the output.

    Raises:
        ArgumentError: an argument is out of range, or the input cannot be read.
        BatchOutputError: another process writes the output, or it belongs to other settings or
            other rows; nothing is changed then.
        MissingDependencyError: a file is a Parquet file, and pyarrow is not installed.
    """
    if rows_at_once < 1:
        raise ArgumentError(f"rows_at_once must be 1 or more, not {rows_at_once}")
    source, target = Path(input), Path(output)
    if most_lanes is not None and most_lanes < n:
        raise ArgumentError(f"most_lanes={most_lanes} is less than n={n}, which each row draws")
    if source.resolve() == target.resolve():
        raise ArgumentError(f"{target} is the input: give another file for the answers")
    sampler_of(sampler)
    loaded = load(model) if isinstance(model, str) else model
    settings = Settings(
        loaded.name,
        fresh_seed() if seed is None else seed,
        constraint,
        n=n,
        max_tokens=max_tokens,
        prefer=prefer,
        sampler=sampler,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        drafts=drafts,
        instruct=instruct,
        heal=heal,
        chat=chat,
        system=system,
        any_model=any_model,
    )
    way = Way(
        rows_at_once, in_order, restart, seed is not None, on_progress, retry_failed, most_lanes
    )
    return answer_file(source, target, settings, way, partial(answer_rows, loaded, way))


@dataclass(frozen=True)
class Way:
    """How a batch is run, which changes none of its answers.

    Attributes:
        rows_at_once: how many rows share forwards.
        in_order: whether answers come in the order of the rows.
        restart: whether answers that are there are deleted.
        seed_is_given: whether the seed is to be that of the settings, also where answers are there.
        on_progress: called after each answer.
        retry_failed: whether answers that are an error are taken out and given again.
        most_lanes: the most texts that a row may draw.
    """

    rows_at_once: int = ROWS_AT_ONCE
    in_order: bool = True
    restart: bool = False
    seed_is_given: bool = True
    on_progress: Callable[[Progress], None] | None = None
    retry_failed: bool = False
    most_lanes: int | None = None


Answerer = Callable[[OutputFile, Iterator[Row]], Iterator[tuple[Row, Answer]]]
"""Answers the rows of an output, each once, in whatever order."""


def answer_rows(
    model: Model, way: Way, output: OutputFile, rows: Iterator[Row]
) -> Iterator[tuple[Row, Answer]]:
    """The rows with their answers, drawn in this process; see `condit.batches.answering`.

    Args:
        model: the model.
        way: how many rows at once, and in which order.
        output: what belongs to the answers.
        rows: the rows, taken as they are needed.
    """
    output.manifest.recognise_model(model.fingerprint())
    answering = Answering(output.settings, way.most_lanes)
    return answering.answers(model, rows, at_once=way.rows_at_once, in_order=way.in_order)


def answer_file(
    source: Path, target: Path, settings: Settings, way: Way, answerer: Answerer
) -> Summary:
    """Answer what is not answered yet, see `batch`; by whatever answers rows."""
    began = time.monotonic()
    if way.restart and way.retry_failed:
        raise ArgumentError("restart deletes all answers, and retry_failed keeps the good ones")
    if target.suffix == ".gz":
        raise ArgumentError(
            f"{target}: answers are appended to a plain file, which can be compressed afterwards"
        )
    given = source_of(source)
    journal = target.with_name(target.name + ".jsonl") if tables.is_table(target) else target
    if journal != target:
        tables.schema()  # whatever is missing for tables is missing now, not at the end
    with opened(
        journal,
        settings,
        restart=way.restart,
        retry_failed=way.retry_failed,
        keep_seed=not way.seed_is_given,
    ) as output:
        run = _Run(output, given, way.on_progress)
        with closing(answerer(output, run.rows())) as answered:  # type: ignore[type-var]
            for row, answer in answered:
                run.took(row, answer)
        output.sync()
        if way.in_order:
            output.put_in_order()
        manifest = output.manifest
        summary = Summary(
            **manifest.totals(),
            errors=manifest.errors(),
            new_rows=run.new_rows,
            new_tokens=run.new_tokens,
            seconds=time.monotonic() - began,
        )
        if journal != target:
            tables.write(journal, target)
    return summary


class _Run:
    """One run of a batch: its rows that are not answered yet, and what it counts."""

    def __init__(
        self,
        output: OutputFile,
        given: Source,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.new_rows = self.new_tokens = 0
        self._output = output
        self._given = given
        self._on_progress = on_progress
        self._pace = Pace(given.size)
        self._before = output.manifest.totals()["rows"]
        self._errors = 0

    def rows(self) -> Iterator[Row]:
        """The rows that are not answered yet, as they are needed."""
        for row in self._given.rows:
            if self._output.is_answered(row):
                self._pace.skip(row.size)
            else:
                yield self._output.checked(row)

    def took(self, row: Row, answer: Answer) -> None:
        """Write down an answer."""
        self._output.append(row, answer)
        tally = tally_of(answer)
        self.new_rows += 1
        self.new_tokens += tally.tokens
        self._errors += tally.error is not None
        self._pace.step(row.size)
        if self._on_progress is not None:
            done = self._before + self.new_rows
            self._on_progress(
                Progress(done, self._errors, self._pace.share, self._pace.seconds_left())
            )
