"""Batches by Ray Data, by two actors of a real Ray: ``scripts/ray`` installs it and runs these."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import condit
from condit.batches.seeds import seed_of
from condit.cli import app
from condit.errors import ArgumentError, BatchOutputError
from condit.foreign.versions import installed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        installed("ray") is None,
        reason="Ray is not installed: scripts/ray makes an environment of its own for these tests",
    ),
    # Ray's own.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

OPTIONS: dict[str, Any] = {"max_tokens": 6, "sampler": "masked", "seed": 4}
ROWS = 70


def digits() -> condit.Constraint:
    """A constraint that cannot be sent to another process."""
    return condit.json_schema({"type": "integer", "minimum": 0, "maximum": 999})


@pytest.fixture(scope="module")
def data() -> Iterator[Any]:
    import ray
    import ray.data

    # This module is not one that other processes can import.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(
        num_cpus=2,  # one for each actor: what reads must not need another
        object_store_memory=100 * 2**20,
        include_dashboard=False,
        logging_level="error",
        log_to_driver=False,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray.data
    ray.shutdown()


def rows_of(count: int) -> list[dict[str, Any]]:
    return [{"id": f"r{i}", "prompt": "She counted " + "1, " * (i % 5)} for i in range(count)]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def drawn(path: Path) -> list[Any]:
    answers = [json.loads(line) for line in path.read_text().splitlines()]
    return [(each["line"], each["id"], each["result"]["samples"]) for each in answers]


@pytest.mark.parametrize("in_order", [True, False])
def test_a_file_is_answered_as_in_one_process(data: Any, tmp_path: Path, in_order: bool) -> None:
    source = write(tmp_path / "in.jsonl", rows_of(ROWS))
    condit.batch("ngram", source, tmp_path / "alone.jsonl", digits(), **OPTIONS)
    target = tmp_path / "out.jsonl"
    options: dict[str, Any] = {**OPTIONS, "actors": 2, "rows_at_once": 2}
    seen = []
    summary = condit.ray.batch(
        "ngram", source, target, digits, in_order=in_order, on_progress=seen.append, **options
    )
    assert (summary.rows, summary.answered, summary.new_rows) == (ROWS, ROWS, ROWS)
    assert len(seen) == ROWS
    found = drawn(target)
    if in_order:
        assert found == drawn(tmp_path / "alone.jsonl")
    assert sorted(found) == sorted(drawn(tmp_path / "alone.jsonl"))
    # It goes on, here or by Ray, and nothing is answered again.
    write(source, rows_of(ROWS + 1))
    assert condit.ray.batch("ngram", source, target, digits, **options).new_rows == 1
    assert condit.batch("ngram", source, target, digits(), **OPTIONS).new_rows == 0


def test_rows_that_cannot_be_answered_stay_in_their_places(data: Any, tmp_path: Path) -> None:
    rows = rows_of(12)
    rows[0] |= {"surprise": 1}
    rows[5] = {"id": "r1", "prompt": "x"}
    rows[11] |= {"regex": "(["}
    source = write(tmp_path / "in.jsonl", rows)
    with source.open("a") as file:
        file.write("no JSON\n")
    target = tmp_path / "out.jsonl"
    summary = condit.ray.batch("ngram", source, target, digits, rows_at_once=1, **OPTIONS)
    answers = [json.loads(line) for line in target.read_text().splitlines()]
    assert [each["line"] for each in answers] == list(range(1, 14))
    failed = [each["line"] for each in answers if each["error"]]
    assert failed == [1, 6, 12, 13]
    assert summary.errors == {"RowError": 3, "CompileError": 1}
    # Those that can be now are answered again, here or by Ray.
    rows[11].pop("regex")
    write(source, rows)
    options: dict[str, Any] = {"retry_failed": True, "rows_at_once": 1, **OPTIONS}
    summary = condit.ray.batch("ngram", source, target, digits, **options)
    assert (summary.rows, summary.new_rows, summary.errors) == (12, 3, {"RowError": 2})
    answers = [json.loads(line) for line in target.read_text().splitlines()]
    assert [each["line"] for each in answers] == list(range(1, 13))
    other = condit.NgramModel.train(["another model of that name"])
    with pytest.raises(BatchOutputError, match="was computed otherwise"):
        condit.batch(other, source, target, digits(), retry_failed=True, **OPTIONS)


def test_the_command(data: Any, tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.jsonl", rows_of(9)), tmp_path / "out.jsonl"
    options = ["-m", "ngram", "--regex", "[0-9]{1,3}", "--max-tokens", "6", "--seed", "4"]
    command = ["batch", str(source), str(target), *options]
    done = CliRunner().invoke(app, [*command, "--ray", "--actors", "1"])
    assert done.exit_code == 0, done.output
    assert "9 rows: 9 answered, 0 errors" in done.output
    # The same batch for a process without Ray.
    done = CliRunner().invoke(app, [*command, "--json"])
    assert json.loads(done.stdout)["new_rows"] == 0


class DiesOnce(condit.Preference):
    """Ends the process that asks it, the first time that it is asked."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def log_weights(self, texts: Any) -> list[float]:
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            return [0.0 for _ in texts]
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("it goes on after it was killed")


def test_an_actor_that_dies_is_started_again_and_its_rows_are_answered(
    data: Any, tmp_path: Path
) -> None:
    source = write(tmp_path / "in.jsonl", rows_of(ROWS))
    mark, target = tmp_path / "died", tmp_path / "out.jsonl"

    def prefer() -> DiesOnce:
        return DiesOnce(mark)

    summary = condit.ray.batch(
        "ngram", source, target, digits, prefer=prefer, actors=2, rows_at_once=2, **OPTIONS
    )
    assert mark.exists()
    assert summary.answered == ROWS
    condit.batch("ngram", source, tmp_path / "alone.jsonl", digits(), **OPTIONS)
    texts = [[each["text"] for each in samples] for _, _, samples in drawn(target)]
    alone = drawn(tmp_path / "alone.jsonl")
    assert texts == [[each["text"] for each in samples] for _, _, samples in alone]


def test_a_dataset(data: Any) -> None:
    rows: list[dict[str, Any]] = [{**row, "regex": None, "n": 1} for row in rows_of(20)]
    rows[1] |= {"regex": "[a-z]{3}"}
    rows[2] |= {"n": 3}
    rows[3] |= {"regex": "(["}
    dataset = data.from_items(rows, override_num_blocks=4)
    answers = condit.ray.map(
        dataset, "ngram", digits, actors=2, rows_at_once=2, in_order=True, **OPTIONS
    ).take_all()
    assert [each["id"] for each in answers] == [row["id"] for row in rows]
    assert answers[1]["text"].isalpha()
    assert (answers[2]["samples"], answers[2]["valid"]) == (3, 3)
    assert answers[3]["error"] == "CompileError"
    model = condit.load("ngram")
    alone = condit.generate(
        model, rows[0]["prompt"], digits(), max_tokens=6, sampler="masked", seed=seed_of(4, "r0")
    )
    assert answers[0]["text"] == alone.best.text


def test_what_was_written_is_left_out_when_the_job_is_run_again(data: Any, tmp_path: Path) -> None:
    """By Ray's own checkpoints: the second run has half of its rows answered already.

    Ray's readers and its filter of rows need cores, too, which the actors leave to them.
    """
    from pyarrow import Table, parquet

    source, target, checkpoint = (tmp_path / name for name in ("in", "out", "checkpoint"))
    source.mkdir()
    rows = rows_of(24)

    def job() -> None:
        answered = condit.ray.map(
            data.read_parquet(str(source)),
            "ngram",
            digits,
            checkpoint=checkpoint,
            cpus=0,
            **OPTIONS,
        )
        answered.write_parquet(str(target))

    for half in (rows[:12], rows):
        parquet.write_table(Table.from_pylist(half), source / "rows.parquet")
        job()
        found = parquet.read_table(target).to_pylist()
        assert sorted(each["id"] for each in found) == sorted(row["id"] for row in half)
    assert all(each["error"] is None for each in found)


def test_what_cannot_be_sent(data: Any) -> None:
    dataset = data.range(1)
    with pytest.raises(ArgumentError, match="the constraint cannot be sent to another process"):
        condit.ray.map(dataset, "ngram", digits())
    with pytest.raises(ArgumentError, match="did you mean 'max_tokens'"):
        condit.ray.map(dataset, "ngram", max_token=3)
    with pytest.raises(ArgumentError, match="actors must be 1 or more"):
        condit.ray.map(dataset, "ngram", actors=0)
