"""Batches of Parquet files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import condit
from condit.batches.answering import Answering
from condit.batches.constraints import ConstraintCache
from condit.batches.requests import request_of
from condit.batches.settings import Settings
from condit.batches.tables import COLUMNS, cells_of, row_of_cells
from condit.errors import ArgumentError, RowError
from condit.foreign.versions import installed

MODEL = condit.load("ngram")
needs_pyarrow = pytest.mark.skipif(
    installed("pyarrow") is None, reason="pyarrow is not installed: pip install 'condit[parquet]'"
)


def test_cells_that_are_null_say_nothing_and_json_is_read() -> None:
    cells = {"id": 4, "prompt": "a", "n": None, "schema": '{"const": null}', "choice": None}
    row = row_of_cells(2, cells)
    assert (row.id, row.line) == ("4", 2)
    constraint = request_of(row, ConstraintCache()).constraint
    assert constraint is not None
    assert constraint.accepts("null")
    row = row_of_cells(3, {"custom_id": "a", "body": '{"messages": []}'})
    assert row.is_openai
    assert row.fields["body"] == {"messages": []}


@pytest.mark.parametrize("cells", [{"schema": {"type": None}}, {"body": {}}, {"constraint": "{"}])
def test_structures_and_broken_json_are_refused(cells: dict[str, Any]) -> None:
    fault = row_of_cells(1, cells).fault
    assert isinstance(fault, RowError)
    assert fault.field in cells


def test_a_reply_as_cells() -> None:
    body = {"prompt": "a", "n": 2, "structured_outputs": {"choice": ["yes", "no"]}}
    fields = {"custom_id": "a", "url": "/v1/completions", "body": json.dumps(body)}
    row = row_of_cells(3, fields)
    cells = cells_of(Answering(Settings("ngram", 0)).answer(MODEL, row))
    assert cells["text"] in ("yes", "no")
    assert (cells["id"], cells["samples"], cells["valid"], cells["error"]) == ("a", 2, 2, None)
    refused = cells_of(Answering(Settings("other", 0)).answer(MODEL, row.refused("no")))
    assert (refused["text"], refused["error"], refused["message"]) == (
        None,
        "invalid_row",
        "line 3: no",
    )


@needs_pyarrow
def test_from_table_to_table(tmp_path: Path) -> None:
    from pyarrow import Table, parquet

    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    rows: list[dict[str, Any]] = [
        {"id": f"r{number}", "prompt": "It is ", "regex": "[0-9]{2}"} for number in range(600)
    ]
    rows[1] |= {"regex": None, "schema": '{"enum": ["yes", "no"]}'}
    rows[2] |= {"n": 2}
    rows[3] |= {"regex": "(["}
    names = ("id", "prompt", "regex", "schema", "n")
    columns = {name: [row.get(name) for row in rows] for name in names}
    parquet.write_table(Table.from_pydict(columns), source)
    options: dict[str, Any] = {"max_tokens": 8, "seed": 2, "sampler": "masked"}
    summary = condit.batch(MODEL, source, target, **options)
    assert (summary.rows, summary.answered, summary.samples) == (600, 599, 600)
    found = parquet.read_table(target)
    assert {field.name: str(field.type) for field in found.schema} == COLUMNS
    answers = found.to_pylist()
    assert [each["id"] for each in answers] == [row["id"] for row in rows]
    assert answers[1]["text"] in ('"yes"', '"no"')
    assert (answers[2]["samples"], answers[2]["valid"]) == (2, 2)
    assert answers[3]["error"] == "CompileError"
    assert json.loads(answers[0]["answer"])["text"] == answers[0]["text"]
    # The same as from lines, and there is nothing left to do.
    lines = tmp_path / "in.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    condit.batch(MODEL, lines, tmp_path / "out.jsonl", **options)
    written = (tmp_path / "out.jsonl").read_text().splitlines()
    texts = [json.loads(line)["text"] for line in written]
    assert texts == [each["text"] for each in answers]
    target.unlink()
    assert condit.batch(MODEL, source, target, **options).new_rows == 0
    assert parquet.read_table(target).to_pylist() == answers


@needs_pyarrow
def test_what_is_no_table(tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    source.write_text("no table")
    with pytest.raises(ArgumentError, match="is no Parquet file"):
        condit.batch(MODEL, source, tmp_path / "out.jsonl")
