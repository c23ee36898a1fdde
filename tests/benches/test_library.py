"""The machinery of the benches: limits and restarts, journals, turns, bands, and old results."""

from __future__ import annotations

import json
import math
import signal
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from bench.against.race import NEW, OLD, Record
from bench.against.summary import broken, compared, differences
from bench.library import sessions, workers
from bench.library.contestants import Contestant, rotated, there_and_back
from bench.library.journal import Journal
from bench.library.results import RESULTS, table
from bench.library.run import Run
from bench.library.statistics import band_of_ratio, percentile, quartiles, spread
from bench.library.venvs import ROOT
from bench.speed.tables import tables

WORKER = """
import json, sys, time
for line in sys.stdin:
    ((verb, argument),) = json.loads(line).items()
    if verb == "die":
        sys.exit(3)
    if verb == "sleep":
        time.sleep(argument)
    print(json.dumps({"error": "no"} if verb == "fail" else {"said": argument}), flush=True)
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sessions.Session:
    (tmp_path / "worker.py").write_text(WORKER)
    monkeypatch.setattr(workers, "WORKERS", tmp_path)
    return sessions.Session(tmp_path / "name.log", "condit", "worker.py", {"model": "m"}, limit=5.0)


def test_a_session_starts_again_after_its_worker_died(session: sessions.Session) -> None:
    assert session.ask({"say": 1}) == {"said": 1}
    assert session.loaded == {"said": {"model": "m"}}
    with pytest.raises(workers.WorkerError, match="no"):
        session.ask({"fail": None})
    assert session.starts == 1
    with pytest.raises(workers.WorkerDiedError, match="status 3"):
        session.ask({"die": None})
    assert session.ask({"say": 2}) == {"said": 2}
    assert session.starts == 2
    session.close()


def test_an_answer_that_takes_too_long_ends_the_worker(session: sessions.Session) -> None:
    worker = session.load()
    with pytest.raises(workers.WorkerTimeoutError, match="no answer within"):
        worker.ask({"sleep": 60}, within=0.1)
    assert not worker.alive
    assert session.ask({"say": 3}) == {"said": 3}
    session.close()


def test_a_worker_that_cannot_be_loaded_is_tried_once(
    session: sessions.Session, tmp_path: Path
) -> None:
    (tmp_path / "worker.py").write_text("raise SystemExit('nothing here')")
    for _ in range(2):
        with pytest.raises(workers.WorkerError, match=r"could not be loaded: .*nothing here"):
            session.ask({"say": 1})
    assert session.starts == 1
    session.close()


def test_every_worker_has_the_same_threads() -> None:
    variables = workers.environment(threads=3)
    assert {variables["OMP_NUM_THREADS"], variables["BENCH_THREADS"]} == {"3"}


def test_a_journal_goes_on_from_one_that_was_cut_short(tmp_path: Path) -> None:
    first = Journal("question", tmp_path / "first")
    first.add({"case": "a"})
    first.add({"case": "b"})
    with first.file.open("a") as lines:
        lines.write('{"case": ')  # the run ended in the middle of a line
    second = Journal("question", tmp_path / "second", first.file)
    second.add({"case": "c"})
    wanted = [{"case": name} for name in "abc"]
    assert second.records == wanted
    assert [json.loads(line) for line in second.file.read_text().splitlines()] == wanted
    first.close()
    second.close()


def test_a_run_keeps_what_it_has_when_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "question_worker.py").write_text(WORKER)
    monkeypatch.setattr(workers, "WORKERS", tmp_path)
    options = Namespace(rounds=2, file=ROOT / "README.md")
    with Run("question", options, folder=tmp_path) as run:
        contestant = Contestant("Mine", "condit", "worker", {"extra": 1})
        session = run.session("mine", contestant, {"model": "m"}, limit=5.0)
        run.note(session.ask({"say": 1}))
        signal.raise_signal(signal.SIGTERM)  # as when it is ended from outside
        run.note(session.ask({"say": 2}))
    kept = run.keep({"records": run.records}, table(["who", "said"], [["mine", "1"]]))
    assert session.loaded == {"said": {"model": "m", "extra": 1}}
    raw = json.loads(kept.read_text())
    assert raw["records"] == [{"said": 1}]
    assert raw["interrupted"] is True
    assert raw["options"] == {"rounds": 2, "file": "README.md"}
    assert raw["question"] == "question"
    assert "| mine | 1 |" in capsys.readouterr().out
    assert [*tmp_path.glob("logs/question-*.jsonl")]


def test_turns_are_even() -> None:
    firsts = Counter(rotated(["a", "b", "c"], number)[0] for number in range(9))
    assert firsts == {"a": 3, "b": 3, "c": 3}
    assert there_and_back("a", "b", 0) == ("a", "b", "b", "a")
    assert there_and_back("a", "b", 1) == ("b", "a", "a", "b")


def test_small_statistics() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 50) == 2.0
    assert percentile(range(1, 101), 99) == 99
    assert percentile([7.0], 0) == 7.0
    assert quartiles([1.0, 2.0, 3.0]) == (1.5, 2.0, 2.5)
    assert quartiles([]) is None
    assert spread([1.0, 3.0, 2.0]) == "2.0 (1.0 to 3.0)"


def test_a_band_holds_the_true_ratio_as_often_as_it_says() -> None:
    """2,000 bands at 95 %: the count is binomial, and 5 standard deviations are 1e-6."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        low, high = band_of_ratio(np.exp(rng.normal(0.01, 0.02, size=6)).tolist())
        held += low <= math.exp(0.01) <= high
    assert abs(held - 1900) < -NormalDist().inv_cdf(5e-7) * math.sqrt(2000 * 0.95 * 0.05)


def test_a_slower_side_is_found_and_a_faster_one_is_not_blamed() -> None:
    records: list[Record] = []
    for turn in range(4):
        for case, time in (("short", 1.0), ("long", 10.0)):
            for side, factor in ((OLD, 1.0), (NEW, 1.1)):
                noise = 1 + 0.001 * (turn + (side == NEW))
                record = {"row": "slow", "case": case, "pass": turn, "side": side, "per": None}
                records.append(record | {"seconds": time * factor * noise})
                record = record | {"row": "fast", "per": "tokens", "tokens": 7}
                records.append(record | {"seconds": time / factor * noise})
    slow, fast = (compared(records, row, "seconds") for row in ("slow", "fast"))
    assert slow is not None
    assert fast is not None
    assert slow.ratio == pytest.approx(1.1, rel=0.01)
    assert slow.low < 1.1 * 1.001 < slow.high
    assert slow.verdict(0.03) == "worse"
    assert fast.verdict(0.03) == "ok"
    assert fast.old == pytest.approx(11 / 14, rel=0.01)
    assert compared(records, "nothing", "seconds") is None


def test_differences_are_found_in_any_pass_and_errors_are_answers() -> None:
    def record(case: str, turn: int, side: str, **said: object) -> Record:
        return {"row": "draws", "case": case, "pass": turn, "side": side, **said}

    records = [
        record("same", 0, OLD, texts=["a"]),
        record("same", 0, NEW, texts=["a"]),
        record("later", 0, OLD, texts=["a"]),
        record("later", 0, NEW, texts=["a"]),
        record("later", 1, OLD, texts=["a"]),
        record("later", 1, NEW, texts=["b"]),
        record("both fail", 0, OLD, error="x"),
        record("both fail", 0, NEW, error="x"),
        record("one fails", 0, OLD, error="x"),
        record("one fails", 0, NEW, texts=["a"]),
        record("half", 0, OLD, texts=["a"]),
    ]
    found = {each["case"]: each["same"] for each in differences(records, "draws", ["texts"])}
    assert found == {"same": True, "later": False, "both fail": True, "one fails": False}
    assert broken(records) == ["draws"]
    assert not broken(record for record in records if record["case"] != "one fails")
    assert broken(record for record in records if record["case"] == "both fail") == ["draws"]


def test_results_of_earlier_versions_are_still_read() -> None:
    """The tables of a kept run of ``speed`` are made again from its records."""
    raw = json.loads((RESULTS / "speed-20261121T220910Z.json").read_text())
    assert tables(raw["records"], int(raw["options"]["tokens"])) == raw["table"]


def test_the_interpreter_of_condit_is_this_one() -> None:
    assert str(sessions.python_of("condit")) == sys.executable
