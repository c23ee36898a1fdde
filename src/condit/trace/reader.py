"""Reads trace files, whatever is in them.

A file may have been cut off as its run was killed, or be made by somebody who means harm. So
nothing in it is trusted: what cannot be used is left out and listed in ``Run.problems``.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from condit.errors import TraceFileError
from condit.trace.format import KINDS, VERSION, fault

_LONGEST_LINE = 1 << 26
"""So many bytes a line may have."""

_MOST_BYTES = 1 << 31
"""So many bytes of a file are read, counted after decompression."""

_MOST_PROBLEMS = 1000
"""So many problems are listed; there may be more."""


class Problem(NamedTuple):
    """Something in a file that could not be used.

    Attributes:
        line: the number of the line, counted from 1.
        what: what is wrong, in words.
    """

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


@dataclass(frozen=True)
class Text:
    """One text of a run, as its draws tell it.

    Attributes:
        draws: the lines of its draws, from the first to the last.
        prompt_end: how many of its first bytes are the end of the prompt, written again.
        end_token: the token that ends texts.
    """

    draws: tuple[Mapping[str, Any], ...]
    prompt_end: int = 0
    end_token: int | None = None

    @property
    def tokens(self) -> tuple[int, ...]:
        """Its tokens, without the end token."""
        return tuple(each["token"] for each in self.draws if each["token"] != self.end_token)

    @property
    def bytes(self) -> bytes:
        """Its bytes, without those of the end of the prompt."""
        return b"".join(map(bytes_of, self.draws))[self.prompt_end :]

    @property
    def text(self) -> str:
        """Its characters; bytes that are none are replaced."""
        return self.bytes.decode(errors="replace")

    @property
    def log_probability(self) -> float:
        """Natural logarithm of the probability of its tokens, and of its end if that was drawn."""
        parts = [each["log_probability"] for each in self.draws]
        return sum(-math.inf if each is None else each for each in parts)


@dataclass(frozen=True)
class Run:
    """What a trace file tells of a run.

    Attributes:
        info: the first line: what the run was asked. Empty where it is missing.
        draws: the lines of its draws, by number.
        lines: the lines of the other kinds, by kind, in their order.
        alternatives: the lines with what could have come, by the number of the draw.
        result: the last line; ``None`` if the run was interrupted.
        problems: what could not be used.
        unknown: how many lines there are of each kind that is not known.
    """

    info: Mapping[str, Any]
    draws: Mapping[int, Mapping[str, Any]]
    lines: Mapping[str, Sequence[Mapping[str, Any]]]
    alternatives: Mapping[int, Mapping[str, Any]]
    result: Mapping[str, Any] | None
    problems: tuple[Problem, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        """The lines of its steps."""
        return self.lines["step"]

    @property
    def ends(self) -> Sequence[Mapping[str, Any]]:
        """The lines of the texts that ended."""
        return self.lines["end"]

    @property
    def samples(self) -> tuple[Text, ...]:
        """The samples of the result as their draws tell them; none without a result."""
        samples = (self.result or {}).get("samples", ())
        return tuple(self.text_until(sample["draw"]) for sample in samples)

    @property
    def texts(self) -> tuple[Text, ...]:
        """All texts that nothing comes after: finished ones, dead ones, and those interrupted."""
        inner = {each["after"] for each in self.draws.values()}
        return tuple(self.text_until(number) for number in self.draws if number not in inner)

    def text_until(self, draw: int | None) -> Text:
        """The text that ends with a draw; without tokens for ``None``, or one that is not there."""
        found: list[Mapping[str, Any]] = []
        while draw is not None and draw in self.draws:
            found.append(self.draws[draw])
            draw = found[-1]["after"]
        appended = [each for each in reversed(found) if not each["refused"]]
        kept = tuple(each for each in appended if each["token"] is not None)
        healed = str(self.info.get("healed", ""))
        return Text(kept, len(healed.encode()), self.info.get("end_token"))


def bytes_of(draw: Mapping[str, Any]) -> bytes:
    """The bytes of the token of a line."""
    if "bytes" in draw:
        return bytes.fromhex(draw["bytes"])
    return str(draw["text"]).encode(errors="replace")


def read(file: str | os.PathLike[str] | io.BufferedIOBase) -> Run:
    """What a trace file tells of a run.

    Args:
        file: a path, or a binary file that is open for reading; it may be compressed by gzip.

    Returns:
        the run. What is wrong with single lines is in ``problems``, not an error.

    Raises:
        TraceFileError: the file cannot be opened or read, or no line of it is one of a trace.
    """
    reading = _Reading()
    name = os.fspath(file) if isinstance(file, str | os.PathLike) else "the file"
    try:
        if isinstance(file, str | os.PathLike):
            with Path(file).open("rb") as opened:
                reading.read(opened)
        else:
            buffered: io.BufferedReader[Any] = io.BufferedReader(file)
            try:
                reading.read(buffered)
            finally:
                buffered.detach()  # it would close the file
    except OSError as error:
        raise TraceFileError(f"{name} cannot be read: {error.strerror or error}") from error
    if not reading.used:
        why = f" ({reading.problems[0]})" if reading.problems else ""
        raise TraceFileError(
            f"{name} is no trace of Condit: no line of it can be used{why}. Write one with "
            "condit generate --trace FILE, or result.save(FILE)"
        )
    return reading.run()


class _Reading:
    """Collects the lines of a file.

    Attributes:
        used: how many lines could be used.
        problems: what could not.
    """

    def __init__(self) -> None:
        self.used = 0
        self.problems: list[Problem] = []
        self._info: dict[str, Any] | None = None
        self._result: dict[str, Any] | None = None
        self._draws: dict[int, dict[str, Any]] = {}
        self._alternatives: dict[int, dict[str, Any]] = {}
        self._lines: dict[str, list[dict[str, Any]]] = {
            kind: [] for kind in KINDS if kind not in ("run", "draw", "alternatives", "result")
        }
        self._unknown: Counter[str] = Counter()

    def read(self, raw: io.BufferedReader[Any]) -> None:
        """Take every line."""
        for number, line in self._raw_lines(raw):
            if line.strip():
                self._take(number, line)

    def run(self) -> Run:
        """What was found."""
        if self._info is None:
            self._note(1, "the line of kind 'run' is missing, which says what the run was asked")
        return Run(
            self._info or {},
            self._draws,
            self._lines,
            self._alternatives,
            self._result,
            tuple(self.problems),
            dict(self._unknown),
        )

    def _note(self, line: int, what: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(line, what))

    def _raw_lines(self, raw: io.BufferedReader[Any]) -> Iterator[tuple[int, bytes]]:
        """The lines that are not too long, with their numbers."""
        file: io.BufferedIOBase = raw
        if raw.peek(2)[:2] == b"\x1f\x8b":
            file = gzip.GzipFile(fileobj=raw, mode="rb")
        number = total = 0
        while True:
            number += 1
            try:
                line = file.readline(_LONGEST_LINE)
                rest = len(line)
                if too_long := rest == _LONGEST_LINE and not line.endswith(b"\n"):
                    while rest and not line.endswith(b"\n") and total < _MOST_BYTES:
                        line = file.readline(_LONGEST_LINE)
                        rest = len(line)
                        total += rest
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                self._note(number, f"the compressed file is cut off or damaged here ({error})")
                return
            total += rest
            if total >= _MOST_BYTES:
                self._note(number, f"only the first {_MOST_BYTES} bytes are read")
                return
            if too_long:
                self._note(number, f"the line has more than {_LONGEST_LINE} bytes")
            elif not line:
                return
            else:
                yield number, line

    def _take(self, number: int, raw: bytes) -> None:
        line = self._parsed(number, raw)
        if line is None:
            return
        kind = line.get("kind")
        schema = KINDS.get(kind) if isinstance(kind, str) else None
        if schema is None:
            if isinstance(kind, str):
                self._unknown[kind[:100]] += 1
            else:
                self._note(number, "it has no kind")
            return
        what = fault(line, schema) or self._misplaced(line)
        if what:
            self._note(number, what)
            return
        self.used += 1
        self._keep(number, line)

    def _parsed(self, number: int, raw: bytes) -> dict[str, Any] | None:
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            self._note(number, f"it is not UTF-8 at byte {error.start}; such bytes are replaced")
            text = raw.decode(errors="replace")
        try:
            found = json.loads(text, parse_constant=_refuse)
            if "\\ud" in text or "\\uD" in text:
                found = self._without_surrogates(number, found)
        except (ValueError, RecursionError) as error:
            cut = "" if raw.endswith(b"\n") else "; the file seems to be cut off here"
            said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            self._note(number, f"it is no JSON: {said[:200]}{cut}")
            return None
        if not isinstance(found, dict):
            self._note(number, "it is no JSON object")
            return None
        return found

    def _without_surrogates(self, number: int, value: Any) -> Any:
        """The value with halves of surrogate pairs, which are no characters, replaced."""
        text = json.dumps(value, ensure_ascii=False)
        clean = text.encode(errors="replace").decode()
        if clean == text:
            return value
        self._note(number, "it holds half of a surrogate pair, which is replaced")
        return json.loads(clean)

    def _misplaced(self, line: dict[str, Any]) -> str:
        """Why a line of the right form cannot be used; ``""`` if it can."""
        kind = line["kind"]
        if kind == "run":
            if self._info is not None:
                return "there is a line of kind 'run' already"
            if line["version"] > VERSION:
                return f"version {line['version']} of the format is newer than this Condit"
        if kind == "result" and self._result is not None:
            return "there is a line of kind 'result' already"
        if "bytes" in line:
            try:
                bytes.fromhex(line["bytes"])
            except ValueError:
                return "bytes is not hexadecimal"
        if kind != "draw":
            return ""
        # So following draws back always comes to an end.
        if line["draw"] in self._draws:
            return f"there is a draw {line['draw']} already"
        if line["after"] is not None and line["after"] not in self._draws:
            return f"it comes after draw {line['after']}, which is not there"
        return ""

    def _keep(self, number: int, line: dict[str, Any]) -> None:
        kind = line["kind"]
        if kind == "run":
            self._info = line
            if number > 1:
                self._note(number, "the line of kind 'run' is not the first one")
        elif kind == "draw":
            self._draws[line["draw"]] = line
        elif kind == "alternatives":
            self._alternatives[line["draw"]] = line
        elif kind == "result":
            self._result = line
        else:
            self._lines[kind].append(line)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
