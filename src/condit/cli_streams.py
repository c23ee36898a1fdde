"""Streams and exit codes of the command line: an error becomes one line and an exit code.

Which commands there are, and what they print, is in ``cli.py`` and ``cli_output.py``.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from condit.errors import ArgumentError, ConditError, GenerationError

NO_ANSWER = 1
"""Exit code where the answer is no: text not valid, or no valid text drawn."""

BAD_INPUT = 2
"""Exit code for bad input: a wrong option, an invalid schema, an unknown model."""

NO_OUTPUT = 74
"""Exit code if output cannot be written: disk full, output closed (``EX_IOERR``)."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of a process that ``SIGINT`` ends."""

PIPE_CLOSED = 141
"""Exit code if the reader of a pipe has closed it (``| head -1``), as after ``SIGPIPE``."""


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class Commands(TyperGroup):
    """The commands of Condit, with its errors and those of the streams turned into exit codes."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        """Read the arguments; ``--help`` and ``--version`` are answered here."""
        with exit_codes():
            return super().make_context(
                info_name, [_as_utf8(each) for each in args], *rest, **extra
            )

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command; its help is broken where the terminal ends, not where the source does."""
        found = super().get_command(ctx, cmd_name)
        if found is not None and found.help:
            paragraphs = found.help.split("\n\n")
            found.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with exit_codes():
            return super().invoke(ctx)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn errors of Condit, of files and of the streams into a line on standard error and a code.

    Other exceptions are bugs of Condit or of a plugin, and keep their traceback.
    """
    _prepare_streams()
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "standard output is closed")
        try:
            yield
        finally:
            sys.stdout.flush()
    except GenerationError as error:
        _leave(NO_ANSWER, error)
    except ConditError as error:
        _leave(BAD_INPUT, error)
    except KeyboardInterrupt:
        _leave(INTERRUPTED, "interrupted")
    except BrokenPipeError:
        _discard(sys.stdout)
        _leave(PIPE_CLOSED)
    except OSError as error:
        if error.filename is not None:
            _leave(BAD_INPUT, f"{error.filename}: {error.strerror}")
        if error.errno not in _UNWRITABLE:
            raise  # not an error of a stream
        _discard(sys.stdout)
        _leave(NO_OUTPUT, f"the answer cannot be written: {error.strerror}")


def read_text(path: Path | str) -> str:
    """The text of a file, or of standard input where its name is ``-``.

    Raises:
        ArgumentError: it cannot be read, or is not UTF-8.
    """
    standard = str(path) == "-"
    name = "standard input" if standard else str(path)
    if standard and sys.stdin is None:
        raise ArgumentError("standard input cannot be read: it is closed")
    try:
        return sys.stdin.read() if standard else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{name} is not UTF-8 text (byte {error.start})") from error


def _prepare_streams() -> None:
    """Read UTF-8; write in the stream's encoding and escape characters that it lacks.

    ASCII counts as UTF-8, as it mostly comes from a locale that was not set.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            encoding = "utf-8" if ascii_only else stream.encoding
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _as_utf8(argument: str) -> str:
    """An argument read as UTF-8, whatever the locale; unchanged if it is not UTF-8."""
    with suppress(UnicodeDecodeError):
        return os.fsencode(argument).decode()
    return argument


def _leave(code: int, said: object = None) -> None:
    """Print the error, if standard error can be written, and raise `typer.Exit`.

    Raises:
        Exit: always.
    """
    if said is not None:
        try:
            typer.echo(said if code == INTERRUPTED else f"error: {said}", err=True)
        except OSError:
            _discard(sys.stderr)
    raise typer.Exit(code)


def _discard(stream: TextIO | None) -> None:
    """Redirect a stream to the null device: Python flushes it once more as it exits."""
    with suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]
