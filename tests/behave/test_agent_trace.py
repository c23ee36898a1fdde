"""The trace of an agent's runs: lanes that are resampled, and runs that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

import condit
from condit import trace
from condit.behave.record import Event
from condit.errors import ArgumentError

DIGITS = condit.regex("[0-9]{1,2}")


def test_lanes_that_are_resampled_share_their_events(tmp_path: Path) -> None:
    agent = condit.Agent("F answer & G(answer -> last)", {"think": DIGITS, "answer": DIGITS})
    path, model = tmp_path / "run.jsonl", condit.load("ngram")
    runs = agent.run(model, "The answer is ", n=3, seed=2, max_events=4, trace=path)
    plain = agent.run(model, "The answer is ", n=3, seed=2, max_events=4)
    drawn = [[(each.tokens, each.log_weight) for each in both.runs] for both in (runs, plain)]
    assert drawn[0] == drawn[1]
    assert runs.resamplings > 0
    schema = condit.json_schema(trace.SCHEMA)
    assert all(map(schema.accepts, path.read_text().splitlines()))
    run = trace.read(path)
    assert not run.problems
    assert len(run.lines["resample"]) == runs.resamplings
    names = {each["draw"]: each["name"] for each in run.lines["event"]}
    for sample, expected in zip(run.samples, runs.runs, strict=True):
        assert (sample.tokens, sample.text) == (expected.tokens, expected.text)
        assert sample.log_probability == pytest.approx(expected.log_probability)
        begun = (each["draw"] for each in sample.draws)
        assert tuple(names[each] for each in begun if each in names) == expected.names


def test_what_runs_failed_with_is_written(tmp_path: Path) -> None:
    def stop(event: Event, lane: int) -> None:
        raise ArgumentError("no further")

    agent, path = condit.Agent("F answer", {"answer": DIGITS}), tmp_path / "run.jsonl"
    with pytest.raises(ArgumentError):
        agent.run("ngram", "It is ", seed=1, max_events=3, on_event=stop, trace=path)
    result = trace.read(path).result
    assert result is not None
    assert result["error"] == {"type": "ArgumentError", "message": "no further"}
    with pytest.raises(ArgumentError, match="trace is of type int"):
        agent.run("ngram", "It is ", trace=7)  # type: ignore[arg-type]
