"""``condit index``, and its files as constraints of the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from condit.cli import app
from condit.corpus.index import Corpus, Strings
from condit.corpus.one_of_many import ONE_OF_MANY
from condit.corpus.quote import QUOTE
from condit.notation import read

pytest.importorskip("pydivsufsort")


def test_an_index_of_documents(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The cat sat on the mat.")
    (tmp_path / "docs" / "b.txt").write_text("The dog ran.")
    output = tmp_path / "docs.index"
    ran = CliRunner().invoke(app, ["index", str(tmp_path / "docs"), "-o", str(output)])
    assert ran.exit_code == 0, ran.output
    assert Corpus.open(output).locate("The dog")[0].document == str(tmp_path / "docs" / "b.txt")
    path = json.dumps(str(output))
    assert read(f"quote(file({path}), min_words=2)").accepts("sat on")
    assert read(f"'« ' + quote(file({path}), min_words=2)").accepts("« The dog")
    ran = CliRunner().invoke(app, ["index", str(tmp_path / "docs")])
    assert ran.exit_code == 2


def test_an_index_of_strings(tmp_path: Path) -> None:
    titles = tmp_path / "titles.txt"
    titles.write_bytes("Ulm\r\nBad Aibling\n\nKöln".encode())
    output = tmp_path / "titles.index"
    ran = CliRunner().invoke(app, ["index", "--strings", str(titles), "-o", str(output)])
    assert ran.exit_code == 0, ran.output
    assert Strings.open(output).strings == 3
    for path in (titles, output):
        constraint: Any = read(f"one_of_many(file({json.dumps(str(path))}))")
        assert constraint.accepts("Köln")
        assert not constraint.accepts("Bad")


def test_both_are_kinds_of_constraints(tmp_path: Path) -> None:
    document = tmp_path / "a.txt"
    document.write_text("The cat sat on the mat.")
    assert QUOTE.make(document, min_words=2).accepts("cat sat")
    assert QUOTE.make("The cat sat on the mat.").accepts("sat on the mat")
    assert ONE_OF_MANY.make(document).accepts("The cat sat on the mat.")
    assert ONE_OF_MANY.make("a\nb").accepts("b")
    assert QUOTE.given_as == ONE_OF_MANY.given_as == "path"  # so that no request can name them


def test_nothing_to_index_is_said(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["index", str(tmp_path), "-o", str(tmp_path / "x")])
    assert ran.exit_code != 0
    assert "no file" in ran.output
    ran = CliRunner().invoke(app, ["index", str(tmp_path / "no"), "-o", str(tmp_path / "x")])
    assert ran.exit_code != 0
    assert not (tmp_path / "x").exists()


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two three four")
    nowhere, missing = tmp_path / "no" / "x", tmp_path / "missing"
    for command, named in (
        (["index", str(missing), "-o", str(nowhere)], missing),
        (["index", str(tmp_path / "a.txt"), "-o", str(nowhere)], nowhere),
        (["index", str(tmp_path / "a.txt"), "-o", str(tmp_path)], tmp_path),
        (["check", "--constraint", f"quote:{missing}", "-"], missing),
    ):
        ran = CliRunner().invoke(app, command)
        assert ran.exit_code == 2
        assert f"error: {named}: " in ran.output


def test_texts_in_the_notation_are_documents_and_never_paths(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("one two three four five")
    constraint = read(f"quote([{json.dumps(str(secret))}], min_words=1)")
    assert not constraint.accepts("two three")
