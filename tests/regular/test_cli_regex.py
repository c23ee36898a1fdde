"""``condit regex``: what is printed, and the exit codes."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from condit.cli import app


@pytest.mark.parametrize(
    ("arguments", "code", "printed"),
    [
        (("equivalent", "a+", "aa*"), 0, "equivalent\n"),
        (("equivalent", "aa", "a+"), 1, 'not equivalent: only the second matches "a"\n'),
        (("includes", "[a-z]+", "yes|no"), 0, "included\n"),
        (("includes", "[a-z]+", "x|1"), 1, 'not included: only x|1 matches "1"\n'),
        (("witness", r"a(?=.*\n)(?s:.)+"), 0, '"a\\n"\n'),
        (("witness", "(?=a)b"), 1, "nothing matches\n"),
        (("difference", "a{1,3}", "a{2,4}"), 1, '- "a"\n+ "aaaa"\n'),
        (("difference", "a+", "aa*"), 0, ""),
        (("count", "[0-9]{3}|x", "3"), 0, "1000\n"),
        (("count", "[0-9]*", "5000"), 0, "1" + "0" * 5000 + "\n"),
        (("random", "[ab]{2}c|d", "--length", "1", "-n", "2"), 0, '"d"\n"d"\n'),
        (("random", "aa", "--longest", "1"), 2, ""),
        (("random", "aa", "-n", "0"), 2, ""),
        (("minimal", "(?:a|b)(?:a|b)*"), 0, "[ab]+\n"),
        (("minimal", "abc", "--size", "4"), 1, "none of size 4 or less\n"),
        (
            ("synthesize", "--yes", "ab", "--yes", "", "--no", "a"),
            0,
            "(?:[a-z]{2})*\n(?:[a-z]{2})?\n",
        ),
        (("synthesize", "--yes", "ab", "--no", "b", "--size", "1"), 1, "none of size 1 or less\n"),
        (("synthesize", "--no", "b"), 2, ""),
        (("witness", "("), 2, ""),
    ],
)
def test_command(arguments: tuple[str, ...], code: int, printed: str) -> None:
    done = CliRunner().invoke(app, ["regex", *arguments])
    assert (done.exit_code, done.stdout) == (code, printed)
    assert done.stderr.startswith("error: ") == (code == 2)


def test_the_same_seed_draws_the_same_texts() -> None:
    drawn = [
        CliRunner().invoke(app, ["regex", "random", r"\w{9}", "--seed", "4", "-n", "3"]).stdout
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
    assert len(drawn[0].splitlines()) == 3


def test_ambiguity_is_shown() -> None:
    done = CliRunner().invoke(
        app, ["regex", "synthesize", "--yes", "a", "--yes", "aa", "--no", "b"]
    )
    assert done.stdout == "a+\na*\n"
    assert 'differ about ""' in done.stderr
