"""The trace means the same for every sampler, and its file is what its schema says."""

from __future__ import annotations

import gzip
import io
import json
import math
import pickle
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import condit
from condit import trace
from condit.plugins import registered
from condit.trace.format import KINDS, fault

CONSTRAINT = condit.regex("(ab|ba|c){1,5}")
SCHEMA = condit.json_schema(trace.SCHEMA)
SAMPLERS: dict[str, Any] = {name: name for name in sorted(registered("samplers"))} | {
    "rejuvenate": condit.SMC(kernel="masked", rejuvenate=True, threshold=1.0)
}


@pytest.fixture(scope="module")
def model() -> condit.NgramModel:
    vocabulary = condit.Vocabulary.of(["a", "b", "c", "ab", "bc"])
    return condit.NgramModel.train(["abcab", "cabba"], vocabulary=vocabulary, smoothing=2)


def run(model: condit.NgramModel, sampler: Any, **more: Any) -> condit.Result:
    asked: dict[str, Any] = {"n": 4, "max_tokens": 6, "seed": 3, **more}
    return condit.generate(model, "cca", CONSTRAINT, sampler=sampler, **asked)


def saved(result: condit.Result, directory: Path, name: str = "run.jsonl") -> trace.Run:
    result.save(directory / name)
    return trace.read(directory / name)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_are_rebuilt_from_the_file(
    model: condit.NgramModel, name: str, tmp_path: Path
) -> None:
    """Texts, their tokens and their log probabilities, of whatever sampler."""
    result = run(model, SAMPLERS[name])
    read = saved(result, tmp_path)
    assert not read.problems
    assert not read.unknown
    assert len(read.steps) == len(result.trace) > 0
    log_seam = result.report.notes.get("log_mass_of_prompt_end", 0.0)
    assert result.healed  # so that prompt and text may meet inside of a token
    assert any(sample.valid for sample in result.samples)
    for sample, text in zip(result.samples, read.samples, strict=True):
        assert (text.tokens, text.text) == (sample.tokens, sample.text)
        told = text.log_probability - log_seam
        assert told == pytest.approx(sample.log_probability, abs=1e-5) or not sample.valid
    for ended in read.ends:
        assert list(read.text_until(ended["draw"]).tokens) == ended["tokens"]
    assert read.result is not None
    assert read.result["log_evidence"] == pytest.approx(result.log_evidence)
    if result.report.guarantee is condit.Guarantee.WEIGHTED:
        last = read.steps[-1]["log_evidence"]
        assert last == pytest.approx(result.log_evidence, abs=1e-9)
    if name == "rejuvenate":
        assert any(draw["moved"] for draw in read.draws.values())


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_line_is_what_the_schema_says(model: condit.NgramModel, name: str) -> None:
    lines = run(model, SAMPLERS[name]).trace_lines()
    assert (lines[0]["kind"], lines[-1]["kind"]) == ("run", "result")
    for line in {str(sorted(line)): line for line in lines}.values():
        assert SCHEMA.explain(json.dumps(line)) == ""
    for line in lines:
        assert fault(line, KINDS[line["kind"]]) == ""
    seconds = [line["seconds"] for line in lines if line["kind"] == "step"]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_the_schema_is_one_and_refuses() -> None:
    validator = jsonschema_rs.Draft202012Validator(trace.SCHEMA)
    assert jsonschema_rs.meta.is_valid(trace.SCHEMA)
    for line in (
        {"kind": "attempt", "step": 0, "lane": None},
        {"kind": "attempt", "step": 0, "lane": None, "attempt": -1},
        {"kind": "attempt", "step": 0, "lane": True, "attempt": 1},
        {"kind": "attempt", "step": "0", "lane": 1, "attempt": 1},
        {"kind": "resample", "step": 0, "ancestors": [0, None], "effective_sample_size": 1},
    ):
        assert fault(line, KINDS[str(line["kind"])])
        assert not SCHEMA.accepts(json.dumps(line))
        assert not validator.is_valid(line)
    fine = {"kind": "attempt", "step": 0, "lane": None, "attempt": 0, "more": 1}
    assert SCHEMA.accepts(json.dumps(fine))
    assert validator.is_valid(fine)


def test_inserted_text_is_in_the_trace(model: condit.NgramModel, tmp_path: Path) -> None:
    parts = {"": "ab", "abc": "c"}
    result = run(model, "masked", insert=parts.get)
    for sample, text in zip(result.samples, saved(result, tmp_path).samples, strict=True):
        assert text.tokens == sample.tokens
        given = [place for place, draw in enumerate(text.draws) if draw["given"]]
        assert given == [place for span in sample.given for place in span]
        assert given


def test_boundaries_forced_and_guessed_tokens_are_told() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    model = condit.load("ngram")
    closed = condit.json_schema(schema | {"additionalProperties": False})
    asked: dict[str, Any] = {"n": 4, "max_tokens": 30, "seed": 0}
    result = condit.generate(model, "x = ", closed, sampler="smc", **asked)
    lines = result.trace_lines()
    draws = [line for line in lines if line["kind"] == "draw"]
    assert sum(line["forced"] for line in draws) == result.stats.forced > 0
    assert {line["what"] for line in lines if line["kind"] == "boundary"}


def test_a_run_that_is_killed_leaves_what_it_has(model: condit.NgramModel, tmp_path: Path) -> None:
    for name in ("run.jsonl", "run.jsonl.gz"):
        path = tmp_path / name
        seen: list[int] = []

        def stop(info: trace.StepInfo, path: Path = path, seen: list[int] = seen) -> None:
            seen.append(len(trace.read(path).steps))  # what another process can read by now
            if info.step == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(model, "masked", on_step=stop, trace=path)
        assert seen == [1, 2, 3]
        read = trace.read(path)
        assert read.result is None
        assert len(read.steps) == 3
        assert len(read.texts) >= 4
        assert not read.problems


def test_growing_and_saving_write_the_same(model: condit.NgramModel, tmp_path: Path) -> None:
    grown = io.BytesIO()
    result = run(model, "smc", trace=trace.Writer(grown))
    result.save(tmp_path / "run.jsonl")
    assert (tmp_path / "run.jsonl").read_bytes() == grown.getvalue()
    pickle.loads(pickle.dumps(result)).save(tmp_path / "run.jsonl.gz")
    assert gzip.decompress((tmp_path / "run.jsonl.gz").read_bytes()) == grown.getvalue()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    with pytest.raises(condit.ConditError, match="cannot be written"):
        result.save(tmp_path / "no" / "run.jsonl")
    with pytest.raises(condit.ConditError, match="cannot be written"):
        run(model, "smc", trace=tmp_path)
    with pytest.raises(condit.ConditError, match="No space"):
        run(model, "smc", trace="/dev/full")
    writer = trace.Writer(grown)
    run(model, "masked", trace=writer)
    with pytest.raises(condit.ConditError, match="one run"):
        run(model, "masked", trace=writer)


def test_a_failed_run_is_written(model: condit.NgramModel, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with pytest.raises(condit.ConditError) as caught:
        condit.generate(
            model, "ab", condit.regex("c{9}"), sampler="masked", top_k=1, seed=0, trace=path
        )
    read = trace.read(path)
    assert read.result is not None
    assert read.result["error"]["type"] == "DeadEndError"
    draw = list(read.draws.values())[-1]
    assert (draw["token"], draw["log_allowed"], draw["log_probability"]) == (None, None, None)
    caught.value.result.save(tmp_path / "again.jsonl", error=caught.value)
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()
    with pytest.raises(condit.errors.BudgetError):
        condit.generate(model, "ab", condit.regex("c{9}"), max_tokens=2, trace=path)
    read = trace.read(path)
    assert read.result == {"kind": "result", "error": read.result["error"]}  # type: ignore[index]


def test_tokens_that_are_no_whole_characters(tmp_path: Path) -> None:
    model = condit.load("ngram")
    result = condit.generate(
        model, "x", condit.choice(["é"]), sampler="masked", heal=False, max_tokens=9, seed=0
    )
    read = saved(result, tmp_path)
    assert [draw.get("bytes") for draw in read.draws.values()] == ["c3", "a9", None]
    assert read.samples[0].text == "é"


def test_every_sample_ends_once(model: condit.NgramModel) -> None:
    for sampler in ("masked", "awrs"):
        result = run(model, sampler, n=6)
        ends = [ended for info in result.trace for ended in info.ends]
        assert sorted(ended.lane for ended in ends) == list(range(6))
        for ended in ends:
            sample = result.samples[ended.lane]
            assert ended.tokens == sample.tokens
            assert ended.accepted == sample.valid
            assert ended.reason == sample.finish_reason


GOOD = '{"kind":"attempt","step":0,"lane":null,"attempt":0}'
DRAW = {
    "kind": "draw", "draw": 0, "after": None, "step": 0, "lane": 0, "attempt": None, "place": 0,
    "token": 1, "text": "a", "log_probability": -1.0, "log_proposal": None, "log_allowed": 0,
    "log_weight": 0, "refused": False, "given": False, "forced": False, "guessed": False,
    "moved": False, "prompt_bytes": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"{", "no JSON"),
        (b"[1]", "no JSON object"),
        (b'"kind"', "no JSON object"),
        (b"{}", "no kind"),
        (b'{"kind": 3}', "no kind"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"kind":"attempt","step":NaN,"lane":null,"attempt":0}', "NaN"),
        (b'{"kind":"attempt","step":1e999,"lane":null,"attempt":0}', "not of type integer"),
        (b'{"kind":"attempt","step":' + b"9" * 5000 + b"}", "no JSON"),
        (b'{"kind":"attempt","step":' + b"9" * 50 + b',"lane":null,"attempt":0}', "type integer"),
        (b'{"kind":"attempt","lane":null,"attempt":0}', "no field 'step'"),
        (b'{"kind":"attempt","step":0,"lane":null,"attempt":0,"x":"\xff"}', "not UTF-8"),
        (b'{"kind":"attempt","step":0,"lane":null,"attempt":0,"x":"\\ud800"}', "surrogate"),
        (json.dumps(DRAW | {"after": 7}).encode(), "comes after draw 7"),
        (json.dumps(DRAW | {"after": 0}).encode(), "comes after draw 0"),
        (json.dumps(DRAW | {"bytes": "<b>"}).encode(), "not hexadecimal"),
        (b"x" * ((1 << 26) + 5), "bytes"),
    ],
)
def test_a_bad_line_is_a_problem_and_no_error(line: bytes, what: str) -> None:
    file = io.BytesIO(GOOD.encode() + b"\n" + line + b"\n" + GOOD.encode())
    read = trace.read(file)
    assert not file.closed
    assert len(read.lines["attempt"]) >= 2
    told = [str(each) for each in read.problems if each.line == 2]
    assert len(told) == 1
    assert what in told[0]
    json.dumps(read.lines["attempt"], ensure_ascii=False).encode()


def test_odd_files(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with pytest.raises(condit.errors.TraceFileError, match="cannot be read"):
        trace.read(path)
    for nothing in (b"", b"\n\n", b"\0" * 1000, b'{"kind":"later"}', gzip.compress(b"x")[:12]):
        path.write_bytes(nothing)
        with pytest.raises(condit.errors.TraceFileError, match="no trace"):
            trace.read(path)
    later = b'{"kind":"later"}\n' + json.dumps(DRAW).encode() + b"\r\n"
    huge = json.dumps(DRAW | {"draw": 10**30, "after": 0, "log_probability": -1e308}).encode()
    read = trace.read(io.BytesIO(later + huge + b"\n" + huge[:-40]))
    assert read.unknown == {"later": 1}
    assert [each.line for each in read.problems] == [4, 1]
    assert "cut off" in read.problems[0].what
    (text,) = read.texts
    assert text.text == "aa"
    assert math.isfinite(text.log_probability)
    assert read.samples == ()
    whole = gzip.compress(later * 50)
    assert "cut off or damaged" in trace.read(io.BytesIO(whole[:-12])).problems[-2].what
