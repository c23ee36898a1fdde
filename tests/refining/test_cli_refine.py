"""``condit refine`` in the shell."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from condit.cli import app


def run(*arguments: str) -> tuple[int, str, str]:
    fixed = ["--model", "ngram", "--seed", "1", "-n", "1", "--max-tokens", "20"]
    done = CliRunner().invoke(app, ["refine", "The sea", *fixed, *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_it_prints_the_text_and_tells_the_rounds() -> None:
    rule = ["--constraint", "lexical.words(exactly=3)", "--instruction", "Be calm."]
    code, out, told = run(*rule, "--threshold", "-99")
    assert code == 0
    text, *_, judged, enforced, _, _ = out.splitlines()
    assert len(text.split()) == 3
    assert judged.startswith("Be calm.")
    assert enforced.endswith("holds")
    assert told.startswith("round 1: 1 text,")
    code, out, told = run(*rule, "--output", "json", "--threshold", "99", "--rounds", "2")
    assert code == 1
    found = json.loads(out)
    assert [each["dealt_with"] for each in found["instructions"]] == ["judged", "enforced"]
    assert len(found["rounds"]) == 2
    assert "round 2" in told
    assert "Be calm." in told


def test_a_bad_constraint_is_named() -> None:
    code, _, told = run("--constraint", "lexical.wordz(3)")
    assert code == 2
    assert "lexical.wordz" in told
