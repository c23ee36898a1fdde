"""A corpus as a constraint: seconds to index and open, microseconds a step, with no model.

The text is what Python files and notes are installed on this machine, up to ``--megabytes``. The
tokens of passages of it are followed: *first* when nothing is known, *later* after so many other
passages, when the masks of usual beginnings are cached. The first step of all is listed apart. For
strings, lines of the same text are indexed. Times are of the processor.
"""

from __future__ import annotations

import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import condit
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.lift import vocabulary_of
from bench.vocabularies import SOURCES
from condit.constraint.base import Constraint
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.corpus.words import END

_STEPS = 20
"""Tokens of one passage, at most."""


def main(arguments: list[str]) -> None:
    parser = parser_of("corpus", __doc__, seed=1)
    add_choice(parser, "sizes", SOURCES, ["128k"])
    parser.add_argument("--megabytes", type=float, default=45.0, help="of text")
    parser.add_argument("--passages", type=int, default=300, help="that are followed")
    parser.add_argument("--strings", type=int, default=1_000_000, help="for one_of_many")
    options = parser.parse_args(arguments)
    raw: dict[str, Any] = {}
    rows: list[list[str]] = []
    with Run("corpus", options) as run, tempfile.TemporaryDirectory() as folder:
        documents = list(documents_of(options.megabytes * 1e6))
        lines = {line for text in documents for line in text.splitlines() if line.strip()}
        strings = sorted(lines)[: options.strings]
        for name, make, kind, given in (
            ("quote", condit.quote, condit.Corpus, documents),
            ("one_of_many", condit.one_of_many, condit.Strings, strings),
        ):
            path = Path(folder) / name
            began = time.process_time()
            index: Any = kind(given)  # type: ignore[operator]
            built = time.process_time() - began
            index.save(path)
            began = time.perf_counter()
            opened: Any = kind.open(path)  # type: ignore[attr-defined]
            seconds = time.perf_counter() - began
            size = {
                "texts": len(given),
                "bytes": sum(len(text.encode()) for text in given),
                "file_bytes": path.stat().st_size,
                "build_seconds": built,
                "open_seconds": seconds,
            }
            raw[name] = {"index": size}
            for vocabulary_size in options.sizes:
                vocabulary, _ = vocabulary_of(vocabulary_size)
                rng = np.random.default_rng(options.seed)
                seen = _follow(make(opened), vocabulary, rng, options.passages)
                tokens = size["bytes"] / seen.pop("bytes_a_token")
                raw[name][vocabulary_size] = {**seen, "tokens": tokens}
                rows.append(
                    [
                        f"{name}, {vocabulary_size}",
                        f"{tokens / 1e6:.1f}",
                        f"{built:.1f}",
                        f"{size['file_bytes'] / 1e6:.0f}",
                        f"{seconds * 1e3:.0f}",
                        f"{seen['bind'] / 1e6:.0f}",
                        *(_shown(seen[each]) for each in ("check", "first mask", "later mask")),
                    ]
                )
    heads = ["", "million tokens", "build, s", "file, MB", "open, ms", "first step, ms"]
    spread = "p50 / p90 / mean"
    heads += [f"{what}, µs: {spread}" for what in ("check and advance", "first mask", "later mask")]
    run.keep({"indexes": raw}, table(heads, rows))


def documents_of(most: float) -> Iterator[str]:
    """Texts of the files that every Python has, and of what is installed beside it."""
    total = 0
    for home in dict.fromkeys(sysconfig.get_paths()[name] for name in ("stdlib", "purelib")):
        for path in sorted(Path(home).rglob("*")):
            if path.suffix in (".py", ".md", ".rst", ".txt") and path.is_file():
                try:
                    text = path.read_text("utf-8")
                except UnicodeDecodeError:
                    continue
                total += len(text.encode())
                if total > most:
                    return
                yield text


def _follow(
    constraint: Any, vocabulary: condit.Vocabulary, rng: np.random.Generator, passages: int
) -> dict[str, Any]:
    assert isinstance(constraint, Constraint)
    places = constraint.machine.places  # type: ignore[attr-defined]
    VocabularyTrie.of(vocabulary)
    began = time.process_time_ns()
    start = constraint.bind(vocabulary)
    seen: dict[str, Any] = {"bind": time.process_time_ns() - began}
    sizes = [0, 0]
    for when in ("first", "later"):
        for turn in range(passages if when == "first" else 5 * passages):
            place = int(places.order[rng.integers(len(places))])
            text = places.text[place : place + 100].tobytes().partition(bytes([END]))[0]
            tokens = vocabulary.tokenize(text)[:_STEPS]
            sizes = [sizes[0] + len(vocabulary.spell(tokens)), sizes[1] + len(tokens)]
            measured = when == "first" or turn >= 4 * passages
            matcher = start.copy()
            for step, token in enumerate(tokens):
                began = time.process_time_ns()
                allowed = matcher.allows(token)
                after = matcher.copy()
                if allowed:
                    after.advance(token)
                checked = time.process_time_ns()
                matcher.mask()
                masked = time.process_time_ns()
                if step and measured:
                    seen.setdefault("check", []).append(checked - began)
                    seen.setdefault(f"{when} mask", []).append(masked - checked)
                if not allowed:
                    break
                matcher = after
    return {**seen, "bytes_a_token": sizes[0] / sizes[1]}


def _shown(times: list[int]) -> str:
    values: NDArray[np.float64] = np.array(times) / 1e3
    p50, p90 = np.percentile(values, [50, 90])
    return f"{p50:.0f} / {p90:.0f} / {values.mean():.0f}"
