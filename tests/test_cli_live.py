"""Lanes as they grow: what is shown of each, and that it fits into a terminal."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

import condit
from condit.cli import app
from condit.cli_live import Lanes, growing, picture_of
from condit.trace import StepInfo

SCHEMA = {
    "properties": {"name": {"enum": ["Ada", "Bob", "Cy"]}, "count": {"enum": list(range(1, 99))}},
    "required": ["name", "count"],
    "additionalProperties": False,
    "type": "object",
}


@pytest.fixture(scope="module")
def model() -> condit.Model:
    return condit.load("ngram")


def drawn(model: condit.Model, sampler: str) -> tuple[condit.Result, Lanes]:
    lanes = Lanes(model.vocabulary.bytes)
    result = condit.generate(
        model,
        "The answer is ",
        condit.json_schema(SCHEMA),
        n=2 if sampler == "exact" else 8,
        max_tokens=60,
        sampler=sampler,
        seed=1,
        on_step=lanes.follow,
    )
    return result, lanes


@pytest.mark.parametrize("sampler", ["masked", "smc"])
def test_at_the_end_the_lanes_are_the_samples(model: condit.Model, sampler: str) -> None:
    result, lanes = drawn(model, sampler)
    assert (result.stats.resamplings > 0) is (sampler == "smc")
    rows, left = lanes.rows(20, 200)
    assert left == 0
    assert [row.end for row in rows] == [sample.text for sample in result.samples]
    assert [row.tokens for row in rows] == [len(sample.tokens) for sample in result.samples]
    assert [row.share for row in rows] == pytest.approx(result.weights)
    assert [row.state.split(" ←")[0] for row in rows] == [s.finish_reason for s in result.samples]
    assert ("resampled" in lanes.summary) is (result.stats.resamplings > 0)
    assert any("←" in row.state for row in rows) is (result.stats.resamplings > 0)
    assert f"log evidence {result.log_evidence:.3f}" in lanes.summary


def test_attempts_are_counted_and_the_latest_shown(model: condit.Model) -> None:
    result, lanes = drawn(model, "exact")
    rows, left = lanes.rows(3, 10)
    numbers = [int(row.name.removeprefix("#")) for row in rows]
    attempts = result.report.attempts
    assert numbers == [attempts - 3, attempts - 2, attempts - 1]
    assert left == attempts - 3
    assert f"accepted {result.report.accepted} of {attempts} attempts" in lanes.summary
    assert all(cell_len(row.end) <= 10 for row in rows)


@pytest.fixture(scope="module")
def steps(model: condit.Model) -> tuple[StepInfo, ...]:
    options = {"n": 30, "max_tokens": 30, "sampler": "masked", "seed": 0}
    return condit.generate(model, "", condit.regex("(yes|no)( please)?"), **options).trace


@pytest.mark.parametrize(("width", "height"), [(30, 8), (60, 10), (120, 40)])
def test_a_picture_fits_into_the_terminal(
    model: condit.Model, steps: tuple[StepInfo, ...], width: int, height: int
) -> None:
    written = io.StringIO()
    screen = Console(file=written, force_terminal=True, width=width, height=height)
    lanes = Lanes(model.vocabulary.bytes)
    assert lanes.summary == "reading the prompt"
    with growing(model.vocabulary.bytes, screen) as on_step:
        for info in steps:
            on_step(info)
            lanes.follow(info)
    assert "growing" in written.getvalue()
    assert written.getvalue().endswith("\x1b[2K")  # it is taken away at the end
    plain = Console(file=io.StringIO(), width=width, height=height)
    lines = plain.render_lines(picture_of(lanes, plain))
    assert len(lines) <= height
    assert all(sum(part.cell_length for part in line) <= width for line in lines)


def test_without_a_terminal_the_result_is_printed_as_ever() -> None:
    ask = ["generate", "-m", "ngram", "--seed", "0", "-p", "a", "--choice", "yes", "-n", "2"]
    plain, live = (CliRunner().invoke(app, [*ask, *more]) for more in ([], ["--live"]))
    assert live.exit_code == 0
    assert live.stderr == ""
    assert live.stdout.splitlines()[:3] == plain.stdout.splitlines()[:3]
    refused = CliRunner().invoke(app, [*ask[:-2], "--live", "--stream"])
    assert refused.exit_code == 2
