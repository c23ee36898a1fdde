"""The package in examples/plugin is installed as users install it, and is found by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parent.parent / "examples" / "plugin"

Python = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Python:
    """Runs Python with arguments where the package is installed, apart from this environment."""
    pytest.importorskip("hatchling", reason="it builds the package")
    home = tmp_path_factory.mktemp("installed")
    path = os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")])

    def python(*arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": path},
            input=input,
            capture_output=True,
            text=True,
        )

    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    done = python("-m", "pip", "install", *offline, "--target", str(home), str(PLUGIN))
    assert done.returncode == 0, done.stdout + done.stderr
    return python


@pytest.mark.slow
def test_its_own_tests_pass(python: Python) -> None:
    tests = str(PLUGIN / "tests")
    done = python("-m", "pytest", tests, "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_shell_finds_its_parts(python: Python) -> None:
    def condit(*arguments: str, input: str | None = None) -> str:
        done = python("-m", "condit", *arguments, input=input)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "a Roman numeral; the least and the greatest" in condit("constraints")
    found = condit("info")
    assert "roman (condit-example 0.1.0)" in found
    assert "hopeful (condit-example 0.1.0)" in found
    asked = ("--constraint", '"year " + roman([1, 9])', "--constraint", "regex:.{7,}")
    assert condit("check", *asked, "-", input="year IX") == "satisfied\n"
    assert "hopeful" in condit("samplers")
    small = ("generate", "-m", "echo", "-p", "year", "--constraint", "roman:1900,1999", "-n", "2")
    small += ("--max-tokens", "16", "--seed", "0", "--output", "json")
    once, twice = (
        json.loads(condit(*small, *["--prefer", "word_length:3"] * count))["samples"]
        for count in (1, 2)
    )
    # Preferences add up.
    for single, double in zip(once, twice, strict=True):
        assert single["text"].startswith("MCM")
        assert single["log_preference"] == 3 - len(single["text"])
        assert double["log_preference"] == 2 * (3 - len(double["text"]))
