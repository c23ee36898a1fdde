"""The command ``condit batch``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import condit
from condit.batches.output import opened
from condit.batches.settings import Settings
from condit.cli import app


def ask(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ``condit batch``."""
    done = CliRunner().invoke(app, ["batch", *arguments, "-m", "ngram"])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": "b", "n": 2}\n')
    return path


def test_a_file_is_answered(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    options = ("--choice", "yes", "--choice", "no", "--seed", "3", "--max-tokens", "4")
    code, out, err = ask(str(source), str(target), *options)
    assert (code, err) == (0, "")
    assert out.startswith("2 rows: 2 answered, 0 errors\n3 texts: 3 valid, 0 met max_tokens")
    by_python = tmp_path / "by_python.jsonl"
    choice = condit.choice("yes", "no")
    condit.batch("ngram", source, by_python, choice, seed=3, max_tokens=4)
    for one, other in zip(
        *(path.read_text().splitlines() for path in (target, by_python)), strict=True
    ):
        assert json.loads(one)["result"]["samples"] == json.loads(other)["result"]["samples"]
    # Given again, it has nothing to do; with other settings it says so.
    code, out, _ = ask(str(source), str(target), *options, "--json")
    assert (code, json.loads(out)["new_rows"], json.loads(out)["rows"]) == (0, 0, 2)
    code, _, err = ask(str(source), str(target), *options, "-n", "2")
    assert code == 2
    assert "n was 1 and is 2" in err
    assert "--restart" in err
    code, out, _ = ask(str(source), str(target), *options, "-n", "2", "--restart", "--as-they-come")
    assert code == 0
    assert "4 texts: 4 valid" in out


def test_errors_of_rows_are_told_by_the_exit_code(source: Path, tmp_path: Path) -> None:
    with source.open("a") as file:
        file.write("no JSON\n")
    code, out, _ = ask(str(source), str(tmp_path / "out.jsonl"), "--regex", "[0-9]{3}")
    assert code == 1
    assert out.startswith("3 rows: 2 answered, 1 errors\n  1 RowError\n")


def test_what_cannot_be_asked(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    code, _, err = ask(str(tmp_path / "nothing.jsonl"), str(target))
    assert code == 2
    assert "there is no such file" in err
    with opened(target, Settings("ngram", 0)):
        code, _, err = ask(str(source), str(target))
    assert code == 2
    assert "another process writes" in err


def test_rows_of_standard_input(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    arguments = ["batch", "-", str(target), "-m", "ngram", "--regex", "[0-9]{3}", "--json"]
    done = CliRunner().invoke(app, arguments, input=source.read_bytes() + b"no JSON")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["rows"], found["answered"], found["errors"]) == (3, 2, {"RowError": 1})
    # Only what failed is answered again, where the line is right now.
    done = CliRunner().invoke(
        app, [*arguments, "--retry-failed"], input=source.read_bytes() + b'{"prompt": "c"}'
    )
    assert (done.exit_code, json.loads(done.stdout)["new_rows"]) == (0, 1)
