"""A batch that is killed at random moments loses no row, and answers none twice.

``CONDIT_KILLS`` says how many times it is killed: see ``scripts/kill_batch``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import condit

KILLS = int(os.environ.get("CONDIT_KILLS", "3"))
ROWS = 40 * KILLS
PATTERN = "[a-z ]{4,9}"
OPTIONS = (
    "--regex",
    PATTERN,
    "-m",
    "ngram",
    "--seed",
    "5",
    "--max-tokens",
    "9",
    "--sampler",
    "masked",
)


def command(source: Path, target: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "condit", "batch", str(source), str(target), *OPTIONS, *more]


def contents(path: Path) -> list[tuple[str, int, Any]]:
    answers = [json.loads(line) for line in path.read_text().splitlines()]
    return [(each["id"], each["line"], drawn(each["result"])) for each in answers]


def drawn(result: Any) -> Any:
    return result and [(each["text"], each["log_weight"]) for each in result["samples"]]


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--as-they-come",), ("--retry-failed",)])
def test_killed_at_random_moments(tmp_path: Path, more: tuple[str, ...]) -> None:
    rng = random.Random(20261128)
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    with source.open("w") as file:
        for number in range(ROWS):
            row = {"id": f"row {number}", "prompt": "She counted " + "1, " * (number % 7)}
            if "--retry-failed" in more and number % 9 == 5:
                row["regex"] = "(["  # the file is written anew whenever the batch is started
            file.write(json.dumps(row) + "\n")
    killed = 0
    while killed < KILLS:
        before = target.stat().st_size if target.exists() else 0
        process = subprocess.Popen(command(source, target, *more), stdout=subprocess.DEVNULL)
        if rng.random() < 0.8:  # in the middle of the work
            while process.poll() is None and (
                not target.exists() or target.stat().st_size == before
            ):
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.05))
        else:  # as it starts, or whenever
            time.sleep(rng.uniform(0, 2))
        process.kill()
        if process.wait() == 0:
            break  # it was done before
        killed += 1
    done = subprocess.run(command(source, target, *more), capture_output=True, text=True)
    assert done.returncode == ("--retry-failed" in more), done.stderr
    assert killed == KILLS
    found = contents(target)
    assert sorted(line for _, line, _ in found) == list(range(1, ROWS + 1))
    if "--as-they-come" not in more:
        assert [line for _, line, _ in found] == list(range(1, ROWS + 1))
    # What was drawn is what a batch draws that nobody touches.
    at_once = tmp_path / "at_once.jsonl"
    pattern = condit.regex(PATTERN)
    condit.batch("ngram", source, at_once, pattern, seed=5, max_tokens=9, sampler="masked")
    assert sorted(found) == sorted(contents(at_once))
