"""``condit view`` with paths that are no plain trace files."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from condit.cli import app
from condit.page.routes import viewer

LINE = '{"kind": "run", "format": "condit-trace", "version": 2, "prompt": "Hello there"}\n'


def test_a_pipe_and_a_name_that_is_no_text_are_exported(tmp_path: Path) -> None:
    pipe, page = tmp_path / os.fsdecode(b"a\xff<.jsonl"), tmp_path / "page.html"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=(LINE,))
    writing.start()
    done = CliRunner().invoke(app, ["view", str(pipe), "--export", str(page)])
    writing.join()
    assert done.exit_code == 0
    assert "Hello there" in page.read_text("utf-8")
    assert 'data-name="a?&lt;.jsonl"' in page.read_text("utf-8")


def test_of_a_compressed_trace_that_is_cut_off_there_is_what_was_written(tmp_path: Path) -> None:
    run, page = tmp_path / "run.jsonl.gz", tmp_path / "page.html"
    with gzip.open(run, "wt") as file:
        file.write(LINE)
        file.flush()
        file.write(LINE)
    run.write_bytes(run.read_bytes()[:-9])
    done = CliRunner().invoke(app, ["view", str(run), "--export", str(page)])
    assert done.exit_code == 0
    assert "Hello there" in page.read_text("utf-8")


def test_the_page_is_not_written_over_the_trace(tmp_path: Path) -> None:
    run = tmp_path / "run.jsonl"
    run.write_text(LINE)
    done = CliRunner().invoke(app, ["view", str(run), "--export", str(run)])
    assert done.exit_code == 2
    assert run.read_text() == LINE


@pytest.mark.parametrize("content", [b"\x1f\x8bno", None])
def test_a_file_that_went_bad_is_said_to_the_page(content: bytes | None, tmp_path: Path) -> None:
    run = tmp_path / os.fsdecode(b"\xff.jsonl")
    if content is None:
        run.mkdir()
    else:
        run.write_bytes(content)
    client = TestClient(viewer([run], hosts=["testserver"]))
    assert client.get("/runs.json").json() == [{"name": "?.jsonl", "url": "runs/0"}]
    assert client.get("/runs/0").status_code == 410
