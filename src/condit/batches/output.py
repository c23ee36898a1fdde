"""The file of answers: one a line, appended, and continued after the process was killed.

An answer is written in one piece as it comes, so that the operating system has it when the process
dies. Every two seconds, and at the end, the disk gets it (``fsync``), and after that the manifest
says so. What is behind the last answer that the manifest knows is read as the file is opened again:
whole lines count, and what is torn is cut off. So no row is lost, and none is answered twice.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from condit.batches import rewriting
from condit.batches.answers import Answer, encoded, tally_of
from condit.batches.manifest import Manifest
from condit.batches.rows import Row
from condit.batches.settings import Settings
from condit.errors import ArgumentError, BatchOutputError

SYNC_SECONDS = 2.0
"""How long an answer may be known to the operating system alone; a power cut loses those."""


class OutputFile:
    """Answers of a batch in a file, for one thread. Made by `opened`.

    Attributes:
        manifest: which rows are answered.
        settings: those of the batch.
    """

    def __init__(self, path: Path, manifest: Manifest, settings: Settings) -> None:
        self.manifest = manifest
        self.settings = settings
        self._path = path
        self._file = self._opened()
        try:
            self._end = self._mend()
            self.sync()
        except BaseException:
            os.close(self._file)
            raise

    def _opened(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)

    def is_answered(self, row: Row) -> bool:
        """Whether the file has an answer to this row.

        Raises:
            BatchOutputError: it has one to another row at the same line.
        """
        digest = self.manifest.digest(row.line)
        if digest and digest != row.digest:
            raise BatchOutputError(
                f"line {row.line} of the input is not the one that {self._path} has an answer to: "
                "give the input as it was (rows may be added at its end), another output, or "
                "restart (restart=True, --restart), which deletes the answers there"
            )
        return digest is not None

    def checked(self, row: Row) -> Row:
        """The row; one whose id an earlier line has, as a row that is refused."""
        if row.fault is not None:
            return row
        first = self.manifest.first_line(row.id, row.line)
        if first == row.line:
            return row
        return row.refused(f"the id {row.id!r} is that of line {first}: ids must differ", "id")

    def append(self, row: Row, answer: Answer) -> None:
        """Write an answer behind the others.

        Raises:
            BatchOutputError: it cannot be written, as on a full disk.
        """
        content = encoded(answer)
        rest = memoryview(content)
        with writing(self._path):
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._end += len(content)
            self.manifest.add(row.line, row.digest, self._end, tally_of(answer))
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self.sync()

    def drop_failed(self) -> None:
        """Take out the answers with an error, so that their rows are to be answered again."""
        if self.manifest.errors():
            self._rewrite(without_failed=True)

    def put_in_order(self) -> None:
        """Bring the answers into the order of their rows, where they are not."""
        self.sync()
        if not self.manifest.is_in_order():
            self._rewrite(without_failed=False)

    def _rewrite(self, *, without_failed: bool) -> None:
        self.sync()
        with writing(self._path):
            rewriting.rewrite(self._path, self.manifest, without_failed=without_failed)
        before, self._file = self._file, self._opened()
        os.close(before)
        self._end = self.manifest.end()

    def sync(self) -> None:
        """Have the disk store all answers, then the manifest."""
        with writing(self._path):
            os.fsync(self._file)
            self.manifest.commit()
        self._synced = time.monotonic()

    def close(self) -> None:
        """Store all answers and close the file."""
        try:
            self.sync()
        finally:
            os.close(self._file)

    def _mend(self) -> int:
        """Read what the manifest does not know, and cut off what is torn; the file's length."""
        end, size = self.manifest.end(), os.fstat(self._file).st_size
        if size < end:
            raise BatchOutputError(
                f"{self._path} has {size} bytes and had {end}: answers were taken out of it. Put "
                "them back, give another output, or restart (restart=True, --restart), which "
                "deletes the answers there"
            )
        with open(self._path, "rb") as file:
            file.seek(end)
            for content in file:
                found = _answer_in(content)
                if found is None:
                    break
                end += len(content)
                name = found.get("custom_id") or found.get("id")
                self.manifest.add(found["line"], b"", end, tally_of(found))
                self.manifest.first_line(str(name), found["line"])
        if end < size:
            os.ftruncate(self._file, end)
        return end


def _answer_in(content: bytes) -> Mapping[str, Any] | None:
    """The answer in a line; ``None`` where it is torn."""
    if not content.endswith(b"\n"):
        return None
    try:
        found = json.loads(content)
        tally_of(found)
        return found if isinstance(found["line"], int) else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever goes wrong with the disk is a `BatchOutputError` that says what to do."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BatchOutputError(
            f"{path} cannot be written: {why}. Once that is mended, start the batch again: it goes "
            "on where it was"
        ) from error


@contextmanager
def opened(
    path: Path,
    settings: Settings,
    *,
    restart: bool = False,
    retry_failed: bool = False,
    keep_seed: bool = False,
) -> Iterator[OutputFile]:
    """The output at ``path``, new or continued, which no other process may write meanwhile.

    Beside it are ``path.manifest``, and ``path.lock`` while it is written.

    Args:
        path: the file.
        settings: those of the batch; the same as before, where it is continued.
        restart: delete what is there.
        retry_failed: take out the answers with an error.
        keep_seed: where the batch is continued, take the seed that it had.

    Raises:
        BatchOutputError: another process writes it, or it is not the output of this batch.
        ArgumentError: there can be no such file.
    """
    beside = path.with_name(path.name + ".manifest")
    if not path.parent.is_dir() or path.is_dir():
        raise ArgumentError(f"{path} cannot be written: give a file in a directory that exists")
    guard = path.with_name(path.name + ".lock")
    lock = FileLock(guard)
    try:
        guard.touch()  # where there can be no such file, a lock would be waited for
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BatchOutputError(
            f"another process writes {path}: wait for it, or give another output"
        ) from error
    except OSError as error:
        raise ArgumentError(f"{path} cannot be written: {error.strerror}") from error
    try:
        if restart:
            for file in (path, beside, rewriting.beside(path)):
                file.unlink(missing_ok=True)
        yield from _opened(path, beside, settings, keep_seed, retry_failed)
    finally:
        lock.release()


def _opened(
    path: Path, beside: Path, settings: Settings, keep_seed: bool, retry_failed: bool
) -> Iterator[OutputFile]:
    if not beside.exists() and path.exists() and path.stat().st_size:
        raise BatchOutputError(
            f"{path} exists and is not the output of a batch ({beside.name} is missing): give "
            "another output, or restart (restart=True, --restart), which deletes it"
        )
    with writing(path):
        manifest = Manifest(beside)
    try:
        seed = manifest.seed()
        if keep_seed and seed is not None:
            settings = replace(settings, seed=seed)
        manifest.recognise(settings.written())
        with writing(path):
            manifest.commit()
            rewriting.finish(path, manifest)
            output = OutputFile(path, manifest, settings)
        try:
            if retry_failed:
                output.drop_failed()
            yield output
        finally:
            output.close()
    finally:
        manifest.close()
