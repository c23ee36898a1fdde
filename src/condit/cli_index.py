"""The command ``condit index``: documents or strings in a file that constraints open at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from condit.errors import ArgumentError


def index(
    files: Annotated[
        list[Path],
        typer.Argument(help="Documents in UTF-8; a directory stands for all files in it."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    strings: Annotated[
        bool, typer.Option(help="Each line is a string of its own, for one_of_many.")
    ] = False,
    borders: Annotated[
        str,
        typer.Option(help="Quotations are of whole: word, sentence, line, paragraph or character."),
    ] = "word",
) -> None:
    """Index documents to quote from (--constraint quote:FILE), or lines to choose from."""
    from condit.corpus.documents import lines_of
    from condit.corpus.index import Corpus, Strings

    found = [each for path in files for each in _files_of(path)]
    if not found:
        raise ArgumentError("index: there is no file in " + ", ".join(map(str, files)))
    made: Corpus | Strings
    if strings:
        made = Strings([line for path in found for line in lines_of(path, "index")])
    else:
        made = Corpus(found, borders=borders)  # type: ignore[arg-type]
    made.save(output)
    print(f"{output}: {made!r}", file=sys.stderr)


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file())
