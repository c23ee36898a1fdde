"""``condit.batch`` from file to file, with the n-gram model."""

from __future__ import annotations

import gzip
import json
import os
import resource
import threading
from pathlib import Path
from typing import Any

import pytest

import condit
from condit.batches.progress import Pace, Progress
from condit.batches.seeds import seed_of
from condit.errors import ArgumentError, BatchOutputError, ModelError

MODEL = condit.load("ngram")
DIGITS = condit.regex("[0-9]{1,3}")


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def drawn(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """What was drawn, by id: all but the times."""
    return {each["id"]: each["result"] and each["result"]["samples"] for each in answers}


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "in.jsonl", tmp_path / "out.jsonl"


def test_every_row_is_answered_as_generate_would(paths: tuple[Path, Path]) -> None:
    source, target = paths
    write(
        source,
        [
            {"id": "a", "prompt": "The answer is ", "n": 3},
            {"id": "b", "prompt": "It is ", "choice": ["yes", "no"], "seed": 5},
            {"prompt": "On ", "max_tokens": 4, "sampler": "masked", "temperature": 0.5},
        ],
    )
    summary = condit.batch(MODEL, source, target, DIGITS, seed=1, max_tokens=8)
    first, second, third = read(target)
    calls: list[dict[str, Any]] = [
        {"prompt": "The answer is ", "n": 3, "max_tokens": 8, "seed": seed_of(1, "a")},
        {"prompt": "It is ", "max_tokens": 8, "seed": 5},
        {"prompt": "On ", "max_tokens": 4, "seed": seed_of(1, "line-3"), "temperature": 0.5},
    ]
    constraints = [DIGITS, condit.choice("yes", "no"), DIGITS]
    samplers = ["auto", "auto", "masked"]
    for answer, call, constraint, sampler in zip(
        (first, second, third), calls, constraints, samplers, strict=True
    ):
        alone = condit.generate(MODEL, constraint=constraint, sampler=sampler, **call).to_dict()
        assert answer["result"]["samples"] == alone["samples"]
        assert answer["result"]["log_evidence"] == alone["log_evidence"]
        assert answer["text"] == alone["samples"][alone["best"]]["text"]
        assert answer["error"] is None
    assert (summary.rows, summary.answered, summary.samples, summary.valid) == (3, 3, 5, 5)
    assert summary.new_rows == 3
    assert summary.tokens == summary.new_tokens > 0
    assert "3 rows: 3 answered, 0 errors" in str(summary)


def test_hostile_lines_are_errors_and_the_others_go_on(paths: tuple[Path, Path]) -> None:
    source, target = paths
    rows = [
        b'\xef\xbb\xbf{"id": "a", "prompt": "x"}\r\n',
        b"\n",
        b'{"id": "a", "prompt": "x"}\n',
        b'{"id": "\xff"}\n',
        b'{"id": "b"}\n',
        b'{"prompt": "x", "regex": "(["}\n',
        b'{"prompt": "\\ud800"}\n',
        b'{"prompt": "x", "regex": "[a-z]{9}", "max_tokens": 2}\n',
        b'{"prompt": "x", "n": -1}\n',
        b'{"prompt": "x", "surprise": 1}\n',
        b"{",
    ]
    source.write_bytes(b"".join(rows))
    summary = condit.batch(MODEL, source, target, DIGITS, max_tokens=4)
    answers = read(target)
    errors = {each["line"]: each["error"] and each["error"]["type"] for each in answers}
    assert errors == {
        1: None,
        3: "RowError",
        4: "RowError",
        5: "RowError",
        6: "CompileError",
        7: "ArgumentError",
        8: "BudgetError",
        9: "ArgumentError",
        10: "RowError",
        11: "RowError",
    }
    assert summary.errors == {
        "RowError": 5,
        "ArgumentError": 2,
        "BudgetError": 1,
        "CompileError": 1,
    }
    for each in answers:
        if errors[each["line"]] == "RowError":
            assert f"line {each['line']}" in each["error"]["message"]


def test_a_partial_result_is_kept(paths: tuple[Path, Path]) -> None:
    source, target = paths
    write(source, [{"prompt": "x"}])
    never = condit.where(lambda text: False, of=condit.regex("[a-z]{2}"))
    condit.batch(MODEL, source, target, never, sampler="masked", n=2, max_tokens=4)
    (answer,) = read(target)
    assert answer["error"]["type"] == "DeadEndError"
    assert answer["text"] is None
    assert [each["valid"] for each in answer["result"]["samples"]] == [False, False]


def test_an_error_of_any_kind_is_one_of_its_row(paths: tuple[Path, Path]) -> None:
    def score(text: str) -> float:
        if text.startswith("1"):
            raise ZeroDivisionError("broken")
        return 0.0

    source, target = paths
    rows = [{"id": str(i), "prompt": "x", "choice": [str(i % 2)]} for i in range(6)]
    write(source, rows)
    condit.batch(MODEL, source, target, prefer=condit.prefer(score), sampler="masked")
    assert [each["error"] is None for each in read(target)] == [True, False] * 3


def test_draws_depend_on_neither_order_nor_company(tmp_path: Path) -> None:
    rows = [{"id": f"r{i}", "prompt": "She counted " + "1, " * (i % 5), "n": 2} for i in range(30)]
    options: dict[str, Any] = {"seed": 7, "max_tokens": 6}
    found = []
    for number, (order, at_once) in enumerate(
        [(rows, 1), (rows[::-1], 8), (rows[10:] + rows[:10], 3)]
    ):
        source = write(tmp_path / f"in{number}.jsonl", order)
        target = tmp_path / f"out{number}.jsonl"
        condit.batch(MODEL, source, target, DIGITS, rows_at_once=at_once, **options)
        assert [each["id"] for each in read(target)] == [row["id"] for row in order]
        found.append(drawn(read(target)))
    assert found[0] == found[1] == found[2]
    assert len({json.dumps(each[0]["text"]) for each in found[0].values()}) >= 3


def test_as_they_come(paths: tuple[Path, Path]) -> None:
    """The first row waits until another one is written."""
    source, target = paths
    write(source, [{"id": str(i), "prompt": "x", "choice": [str(i)]} for i in range(20)])
    others = threading.Event()

    def score(text: str) -> float:
        if text == "0":
            assert others.wait(30)
        return 0.0

    def written(progress: Progress) -> None:
        others.set()

    prefer = condit.prefer(score)
    condit.batch(
        MODEL,
        source,
        target,
        prefer=prefer,
        sampler="masked",
        rows_at_once=2,
        in_order=False,
        on_progress=written,
    )
    ids = [each["id"] for each in read(target)]
    assert ids[0] != "0"
    assert sorted(map(int, ids)) == list(range(20))


def test_a_batch_goes_on_where_it_was_interrupted(paths: tuple[Path, Path]) -> None:
    source, target = paths
    rows = [{"id": str(i), "prompt": "She counted "} for i in range(40)]
    write(source, rows)

    def interrupt(progress: Progress) -> None:
        if progress.rows == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        condit.batch(MODEL, source, target, DIGITS, max_tokens=5, on_progress=interrupt)
    assert len(read(target)) == 13
    steps: list[Progress] = []
    summary = condit.batch(MODEL, source, target, DIGITS, max_tokens=5, on_progress=steps.append)
    assert (summary.rows, summary.new_rows) == (40, 27)
    assert [each["id"] for each in read(target)] == [row["id"] for row in rows]
    assert steps[0].rows == 14
    assert steps[-1].share == 1.0
    assert steps[-1].seconds_left == 0.0
    # A batch that is complete draws nothing; rows may be added to it.
    assert condit.batch(MODEL, source, target, DIGITS, max_tokens=5).new_rows == 0
    write(source, [*rows, {"id": "more", "prompt": "x"}])
    assert condit.batch(MODEL, source, target, DIGITS, max_tokens=5).new_rows == 1
    write(source, [rows[1], *rows[1:]])
    with pytest.raises(BatchOutputError, match="line 1 of the input is not the one"):
        condit.batch(MODEL, source, target, DIGITS, max_tokens=5)


def test_rows_that_failed_are_answered_again_and_come_into_their_places(
    paths: tuple[Path, Path],
) -> None:
    source, target = paths
    rows: list[dict[str, Any]] = [{"id": str(i), "prompt": "She counted "} for i in range(12)]
    faulty = [*rows]
    faulty[3] = {"id": "3"}
    faulty[7] = {"id": "7", "prompt": "x", "n": 129}
    write(source, faulty)
    options: dict[str, Any] = {"seed": 3, "max_tokens": 5}
    assert condit.batch(MODEL, source, target, DIGITS, **options).errors == {"RowError": 2}
    before = drawn(read(target))
    write(source, rows)
    summary = condit.batch(MODEL, source, target, DIGITS, retry_failed=True, **options)
    assert (summary.rows, summary.answered, summary.new_rows) == (12, 12, 2)
    found = read(target)
    assert [each["id"] for each in found] == [row["id"] for row in rows]
    assert all(drawn(found)[name] == texts for name, texts in before.items() if texts)
    with pytest.raises(ArgumentError, match="keeps the good ones"):
        condit.batch(MODEL, source, target, DIGITS, retry_failed=True, restart=True)


def test_a_row_may_draw_many_texts_where_the_batch_lets_it(paths: tuple[Path, Path]) -> None:
    source, target = paths
    write(source, [{"prompt": "a", "n": 30}, {"prompt": "a", "n": 31}, {"prompt": "a", "n": 29}])
    summary = condit.batch(MODEL, source, target, DIGITS, max_tokens=4, most_lanes=30)
    assert (summary.samples, summary.errors) == (59, {"RowError": 1})
    assert "n=31 is more than the 30 texts" in read(target)[1]["error"]["message"]
    with pytest.raises(ArgumentError, match="most_lanes=3 is less than n=4"):
        condit.batch(MODEL, source, target, DIGITS, n=4, most_lanes=3)


def test_another_model_of_the_same_name_is_noticed(paths: tuple[Path, Path]) -> None:
    source, target = paths
    write(source, [{"prompt": "a"}])
    condit.batch(condit.NgramModel.train(["abc"]), source, target, max_tokens=3)
    assert condit.batch(condit.NgramModel.train(["abc"]), source, target, max_tokens=3).rows == 1
    with pytest.raises(BatchOutputError, match="was computed otherwise"):
        condit.batch(condit.NgramModel.train(["abd"]), source, target, max_tokens=3)


def test_compressed_rows_and_rows_of_a_pipe(paths: tuple[Path, Path], tmp_path: Path) -> None:
    source, target = paths
    write(source, [{"prompt": "a"}, {"prompt": "b\u2028c"}])
    options: dict[str, Any] = {"seed": 3, "max_tokens": 5}
    condit.batch(MODEL, source, target, DIGITS, **options)
    packed = tmp_path / "in.jsonl.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    steps: list[Progress] = []
    unpacked = tmp_path / "unpacked.jsonl"
    condit.batch(MODEL, packed, unpacked, DIGITS, on_progress=steps.append, **options)
    assert drawn(read(unpacked)) == drawn(read(target))
    assert (steps[-1].share, steps[-1].seconds_left) == (None, None)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[source.read_bytes()])
    writer.start()
    condit.batch(MODEL, pipe, tmp_path / "piped.jsonl", DIGITS, **options)
    writer.join()
    assert drawn(read(tmp_path / "piped.jsonl")) == drawn(read(target))
    packed.write_bytes(gzip.compress(source.read_bytes())[:-9])
    with pytest.raises(ArgumentError, match="cannot be read to its end"):
        condit.batch(MODEL, packed, tmp_path / "torn.jsonl", DIGITS, **options)
    with pytest.raises(ArgumentError, match="appended to a plain file"):
        condit.batch(MODEL, source, tmp_path / "out.gz", DIGITS, **options)


def test_rows_of_openai(paths: tuple[Path, Path]) -> None:
    source, target = paths
    body = {"messages": [{"role": "user", "content": "a"}]}
    write(source, [{"custom_id": "a", "body": body}, {"custom_id": "b", "body": {"n": 1}}])
    summary = condit.batch(MODEL, source, target)
    assert summary.errors == {"invalid_request_error": 2}
    first, second = read(target)
    assert (first["custom_id"], second["custom_id"]) == ("a", "b")
    assert "no chat template" in first["response"]["body"]["error"]["message"]


def test_arguments_are_checked(paths: tuple[Path, Path], tmp_path: Path) -> None:
    source, target = paths
    with pytest.raises(ArgumentError, match="no such file"):
        condit.batch(MODEL, source, target)
    write(source, [])
    with pytest.raises(ArgumentError, match="is the input"):
        condit.batch(MODEL, source, source)
    for options in ({"rows_at_once": 0}, {"n": 0}, {"max_tokens": True}, {"seed": -1}):
        with pytest.raises(ArgumentError):
            condit.batch(MODEL, source, target, **options)
    with pytest.raises(ArgumentError, match="the constraint is 'a'"):
        condit.batch(MODEL, source, target, "a")  # type: ignore[arg-type]
    assert not target.exists()
    assert condit.batch(MODEL, source, target).rows == 0


def test_a_model_that_breaks_is_the_error_of_its_rows(paths: tuple[Path, Path]) -> None:
    class Broken(condit.NgramModel):
        def logits(self, tokens: Any) -> Any:
            raise ModelError("out of order")

    model = Broken.train(["abc"])
    source, target = paths
    write(source, [{"prompt": "a"}, {"prompt": "b"}])
    assert condit.batch(model, source, target).errors == {"ModelError": 2}


def test_the_time_left_goes_by_rows_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pace = Pace(1000)
    pace.skip(500)
    assert pace.seconds_left() is None
    for _ in range(25):
        now += 2.0
        pace.step(10)
    assert pace.share == 0.75
    assert pace.seconds_left() == pytest.approx(50.0)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_rows(paths: tuple[Path, Path]) -> None:
    """Rows that are refused cost no draws, so that there can be many of them."""
    source, target = paths
    peaks = []
    for count in (500, 12_000):
        with source.open("w") as file:
            for number in range(count):
                file.write(json.dumps({"id": f"row {number}", "surprise": "x" * 1000}) + "\n")
        condit.batch(MODEL, source, target, restart=True)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[1] - peaks[0] < 6_000  # KiB; the rows are 12 MB
