"""Writes trace files: as a run grows, or afterwards in one piece.

What the lines are is in ``lines.py``, and their format in ``format.py``.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from condit.errors import ArgumentError
from condit.trace.lines import Alternatives, Line, Lines
from condit.trace.records import StepInfo
from condit.trace.run_info import RunInfo


class Writer:
    """Writes the trace of one run into a file as it grows: ``condit.generate(..., trace=writer)``.

    Where that fails, as on a full disk, the run ends with an `ArgumentError`.

    Every step is handed to the operating system at once, so that the file of a run that is killed
    can be read as far as it got. A file that was there is overwritten.

    Args:
        file: a path, or a binary file that is open for writing. A path that ends in ``.gz`` is
            compressed.
        alternatives: called with the result when the run is over, for what could have come in the
            place of draws: ``lambda result: condit.alternatives(model, result)``.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | io.BufferedIOBase,
        *,
        alternatives: Callable[[Any], Iterable[Alternatives]] | None = None,
    ) -> None:
        self.alternatives = alternatives
        self._lines: Lines | None = None
        self._path = Path(file) if isinstance(file, str | os.PathLike) else None
        self._file = None if isinstance(file, str | os.PathLike) else file

    def begin(self, run: RunInfo) -> None:
        """Open the file, and write the first line.

        Raises:
            ArgumentError: the file cannot be written, or it has written another run.
        """
        if self._lines is not None:
            raise ArgumentError(
                "a trace.Writer writes one run, and this one has begun: make one for each run"
            )
        self._lines = Lines(run)
        if self._path is not None:
            try:
                self._file = _opened(self._path, compressed=self._path.suffix == ".gz")
            except OSError as error:
                raise not_written(self._path, error) from error
        self._write([self._lines.head()])

    def step(self, info: StepInfo) -> None:
        """Write the lines of a step."""
        self._write(self._begun().of_step(info))

    def finish(
        self,
        summary: Mapping[str, Any],
        error: Exception | None = None,
        alternatives: Iterable[Alternatives] = (),
    ) -> None:
        """Write alternatives and the last line, and close the file if it was opened here.

        Args:
            summary: ``Result.summary()``; empty where a run failed before there was a result.
            error: what the run failed with.
            alternatives: what could have come in the place of draws.
        """
        lines = self._begun()
        self._write(map(lines.of_alternatives, alternatives))
        self._write([lines.of_result(summary, error)])
        self.close()

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._path is not None and self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _begun(self) -> Lines:
        if self._lines is None:
            raise ArgumentError("this trace.Writer has not begun: give it to condit.generate")
        return self._lines

    def _write(self, lines: Iterable[Line]) -> None:
        if (file := self._file) is None:
            return
        try:
            file.writelines(map(encoded, lines))
            file.flush()
        except OSError as error:
            self._file = None  # it is of no use to try again
            if self._path is not None:
                with suppress(OSError):
                    file.close()
            raise not_written(self._path or "the file", error) from error


def save(
    path: str | os.PathLike[str],
    run: RunInfo,
    trace: Sequence[StepInfo],
    summary: Mapping[str, Any],
    error: Exception | None = None,
    alternatives: Iterable[Alternatives] = (),
) -> None:
    """Write the whole trace of a run; the file is there in whole, or as it was before.

    Args:
        path: where to; compressed if it ends in ``.gz``.
        run: what it was asked.
        trace: its records.
        summary: as of ``Writer.finish``.
        error: likewise.
        alternatives: likewise.

    Raises:
        ArgumentError: the file cannot be written.
    """
    target, lines = Path(path), Lines(run)
    written = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        try:
            with _opened(written, compressed=target.suffix == ".gz") as file:
                file.write(encoded(lines.head()))
                for info in trace:
                    file.writelines(map(encoded, lines.of_step(info)))
                file.writelines(encoded(lines.of_alternatives(each)) for each in alternatives)
                file.write(encoded(lines.of_result(summary, error)))
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)
    except OSError as problem:
        raise not_written(path, problem) from problem


def lines_of(
    run: RunInfo,
    trace: Sequence[StepInfo],
    summary: Mapping[str, Any],
    error: Exception | None = None,
) -> list[Line]:
    """The lines of a run as plain values, ready for JSON."""
    lines = Lines(run)
    found = [lines.head()]
    for info in trace:
        found += lines.of_step(info)
    return [*found, lines.of_result(summary, error)]


def encoded(line: Line) -> bytes:
    """A line of the file. Halves of surrogate pairs, which are no characters, become ``?``."""
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode(errors="replace") + b"\n"


def not_written(path: str | os.PathLike[str], error: OSError) -> ArgumentError:
    """The error for a file that cannot be written."""
    return ArgumentError(
        f"the trace cannot be written to {os.fspath(path)}: {error.strerror or error}"
    )


def _opened(path: Path, *, compressed: bool) -> io.BufferedIOBase:
    # What was flushed of a compressed file can be read, too.
    return gzip.GzipFile(path, "wb", mtime=0) if compressed else path.open("wb")
