"""``condit refine`` in the shell."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from condit import trace
from condit.cli import app


def run(*arguments: str) -> tuple[int, str, str]:
    fixed = ["--model", "ngram", "--seed", "1", "-n", "1", "--max-tokens", "20"]
    done = CliRunner().invoke(app, ["refine", "The sea", *fixed, *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_it_prints_the_text_and_tells_the_rounds(tmp_path: Path) -> None:
    rule = ["--constraint", "lexical.words(exactly=3)", "--instruction", "Be calm."]
    code, out, told = run(*rule, "--threshold", "-99")
    assert code == 0
    text, *_, judged, enforced, _, _ = out.splitlines()
    assert len(text.split()) == 3
    assert judged.startswith("Be calm.")
    assert enforced.endswith("holds")
    assert told.startswith("round 1: 1 text,")
    again = [*rule, "--output", "json", "--threshold", "99", "--rounds", "2"]
    code, out, told = run(*again, "--trace", str(tmp_path / "a.b.jsonl.gz"))
    assert code == 1
    found = json.loads(out)
    assert [each["dealt_with"] for each in found["instructions"]] == ["judged", "enforced"]
    assert len(found["rounds"]) == 2
    assert "round 2" in told
    assert "Be calm." in told
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.b-1.jsonl.gz", "a.b-2.jsonl.gz"]
    for each, number in zip(found["rounds"], (1, 2), strict=True):
        traced = trace.read(tmp_path / f"a.b-{number}.jsonl.gz")
        assert [text.text for text in traced.samples] == [text["text"] for text in each["drafts"]]


def test_a_bad_constraint_is_named() -> None:
    code, _, told = run("--constraint", "lexical.wordz(3)")
    assert code == 2
    assert "lexical.wordz" in told
