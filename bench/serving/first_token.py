"""How long the first piece of a stream takes, in forwards, with and without a new constraint.

One asks again and again, alone or beside others who write long texts all the time. Its prompts are
new after their first tokens, so that each costs a forward of its own, which is longer than that of
a token. A request that comes at any time waits for the forward under way and for its prompt's: so
*of two forwards* is the time, without compiling, over the mean forward while it is asked (as the
server tells) and the forward of such a prompt in the library, together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import httpx2

import condit
from bench.library.calls import asked, load
from bench.library.contestants import rotated
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import percentile
from bench.serving.answers import chunks, piece_of
from bench.serving.server import Server, metrics
from bench.serving.server import condit as served
from bench.serving.throughput import PATH, body

CONSTRAINTS = ("none", "known", "new")
_TOKENS = 32


def measure(run: Run, options: Any) -> tuple[str, list[str]]:
    """The table, and what is wrong."""
    model = load(options.threads)
    records: list[dict[str, Any]] = []
    number = 0
    compiling: list[float] = []
    prompts: list[float] = []
    with (
        served("first-token", max(options.clients), options.threads) as server,
        server.client() as watching,
        server.client() as client,
        run.counting("first token", (options.rounds + 1) * len(options.clients) * 3) as bar,
    ):
        for turn in range(options.rounds + 1):
            for count in options.clients:
                with _writing(server, count - 1, 1000 * turn):
                    for kind in rotated(CONSTRAINTS, turn):
                        before = metrics(watching)
                        bodies = [_body(number + each, kind) for each in range(options.calls)]
                        number += options.calls
                        seconds = [_first(client, each) for each in bodies]
                        after = metrics(watching)
                        forwards, spent = (
                            after[name] - before[name]
                            for name in ("condit_model_forwards", "condit_model_seconds")
                        )
                        record = {"case": "first-token", "clients": count, "constraint": kind}
                        record |= {"round": turn, "forward": spent / forwards, "seconds": seconds}
                        if turn:
                            run.note(record)
                            records.append(record)
                        bar.advance()
            for each in range(8):
                compiling.append(_compile(model, 10**6 + 8 * turn + each))
                prompts.append(_prompt(model, 10**6 + 8 * turn + each))
    run.note({"case": "first-token, library", "compiling": compiling, "prompts": prompts})
    return _table(records, median(compiling), median(prompts)), []


@contextmanager
def _writing(server: Server, count: int, seed: int) -> Iterator[None]:
    """So many others write, one text after the other."""
    ended = threading.Event()

    def write(which: int) -> None:
        turn = seed + which
        with server.client() as client:
            while not ended.is_set():
                turn += 100
                text = f"Tell a long story, number {turn}."
                wanted = body(turn, text, ("regex", "[a-z ]{600}"), 400, stream=True)
                with client.stream("POST", PATH, json=wanted) as response:
                    for _ in chunks(response.raise_for_status()):
                        if ended.is_set():
                            break
                        begun[which].set()

    begun = [threading.Event() for _ in range(count)]
    threads = [threading.Thread(target=write, args=(which,)) for which in range(count)]
    for thread in threads:
        thread.start()
    try:
        for each in begun:
            each.wait(60)
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _schema(number: int) -> dict[str, Any]:
    fields = {
        "note": {"const": f"n{number}"},
        "mood": {"enum": ["glad", "sad"]},
        "text": {"type": "string", "maxLength": 40},
    }
    return {"type": "object", "properties": fields, "required": [*fields]}


def _text(number: int) -> str:
    return f"{number} is the number of this diary. Write about the train, the sea and {number}."


def _body(number: int, kind: str) -> dict[str, Any]:
    made = {"none": None, "known": _schema(0), "new": _schema(number)}[kind]
    return body(number, _text(number), made and ("json_schema", made), _TOKENS, stream=True)


def _first(client: httpx2.Client, wanted: dict[str, Any]) -> float:
    """Seconds to the first piece; the rest is read too."""
    began = time.perf_counter()
    found = 0.0
    with client.stream("POST", PATH, json=wanted) as response:
        for chunk in chunks(response.raise_for_status()):
            if not found and piece_of("chat", chunk):
                found = time.perf_counter() - began
    return found


def _compile(model: condit.Model, number: int) -> float:
    began = time.perf_counter()
    condit.json_schema(_schema(number)).bind(model.vocabulary)
    return time.perf_counter() - began


def _prompt(model: condit.Model, number: int) -> float:
    tokens = model.encode_prompt(asked(_text(number)))
    began = time.perf_counter()
    model.start(tokens)
    return time.perf_counter() - began


def _table(records: Sequence[dict[str, Any]], compiling: float, prompt: float) -> str:
    rows = []
    for count in dict.fromkeys(each["clients"] for each in records):
        for kind in CONSTRAINTS:
            asked_so = (count, kind)
            mine = [each for each in records if (each["clients"], each["constraint"]) == asked_so]
            forward = median(each["forward"] for each in mine)
            first = [seconds for each in mine for seconds in each["seconds"]]
            times = [median(first), percentile(first, 95)]
            less = [each - (compiling if kind == "new" else 0.0) for each in times]
            rows.append(
                [f"{count} at once, {kind}", f"{forward * 1000:.0f}"]
                + [f"{each * 1000:.0f}" for each in times]
                + [f"{each / forward:.2f}" for each in less]
                + [f"{less[1] / (forward + prompt):.2f}"]
            )
    heads = ["first token, constraint", "forward, ms", "p50, ms", "p95, ms"]
    heads += ["p50, forwards", "p95, forwards", "p95, of two forwards"]
    return (
        f"{table(heads, rows)}\n\nIn the library a prompt takes {prompt * 1000:.0f} ms, and "
        f"compiling {compiling * 1000:.1f} ms, taken off for new constraints."
    )
