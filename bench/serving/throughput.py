"""The server against the library: the same calls, as many at a time in each, must give the same.

Every other answer of the server is streamed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx2

import condit
from bench.library.calls import as_far_as_it_got, asked, load
from bench.library.contestants import rotated
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import ratio, spread
from bench.serving.answers import chunks, piece_of
from bench.serving.clients import Clients
from bench.serving.server import condit as served
from bench.together import ORDER, TICKET
from condit.model.shared import together

AT_ONCE = 8
PATH = "/v1/chat/completions"

TASKS: list[tuple[str, tuple[str, Any] | None]] = [
    ("Write order {} of a small shop as JSON: item, count, gift.", ("json_schema", ORDER)),
    ("Write sentence {} about the sea.", ("regex", r"[A-Z][a-z]+( [a-z]+){6,14}\.")),
    ("Customer {} cannot log in. JSON with team and summary:", ("json_schema", TICKET)),
    ("Write line {} of a poem about a train.", None),
]
WAYS = ("library", "server")


def measure(run: Run, options: Any) -> tuple[str, list[str]]:
    """The table, and what is wrong."""
    model = load(options.threads)
    made = dict(TASKS)
    constraints = {text: each and condit.make_constraint(*each) for text, each in TASKS}
    wrong: list[str] = []
    records: list[dict[str, Any]] = []
    with (
        served("throughput", AT_ONCE, options.threads) as server,
        Clients(server, AT_ONCE) as clients,
    ):

        def by_library(tasks: Sequence[tuple[int, str]]) -> list[tuple[str, int]]:
            def call(number: int, text: str) -> Callable[[condit.Model], condit.Result]:
                return lambda shared: as_far_as_it_got(
                    shared,
                    asked(text.format(number)),
                    constraints[text],
                    n=1,
                    max_tokens=options.tokens,
                    sampler="awrs",
                    seed=number,
                )

            calls = [call(number, text) for number, text in tasks]
            samples = [
                future.result().samples[0] for future in together(model, calls, at_once=AT_ONCE)
            ]
            return [(sample.text, len(sample.tokens)) for sample in samples]

        def by_server(tasks: Sequence[tuple[int, str]]) -> list[tuple[str, int]]:
            bodies = [
                body(number, text.format(number), made[text], options.tokens, stream=place % 2 == 1)
                for place, (number, text) in enumerate(tasks)
            ]
            return clients.map(_answer, bodies)

        ways = {"library": by_library, "server": by_server}
        with run.counting("throughput", options.rounds + 1) as bar:
            for turn in range(options.rounds + 1):
                first = turn * options.calls
                tasks = [
                    (number, TASKS[number % len(TASKS)][0])
                    for number in range(first, first + options.calls)
                ]
                texts: dict[str, list[tuple[str, int]]] = {}
                for way in rotated(WAYS, turn):
                    used = time.process_time(), server.processor_seconds
                    began = time.perf_counter()
                    texts[way] = ways[way](tasks)
                    seconds = time.perf_counter() - began
                    spent = time.process_time() - used[0], server.processor_seconds - used[1]
                    tokens = sum(count for _, count in texts[way])
                    record = {
                        "case": "throughput",
                        "way": way,
                        "round": turn,
                        "tokens": tokens,
                        "seconds": seconds,
                        "processor_seconds": spent[way == "server"],
                    }
                    if turn:  # what the first one teaches all ways have
                        run.note(record)
                        records.append(record)
                pairs = zip(texts["library"], texts["server"], strict=True)
                wrong += [
                    f"server: {other}; library: {one}" for one, other in pairs if one != other
                ]
                bar.advance()
    return _table(records), wrong


def body(
    number: int, text: str, made: tuple[str, Any] | None, tokens: int, *, stream: bool
) -> dict[str, Any]:
    """A chat request.

    Args:
        number: the seed.
        text: what is asked.
        made: kind and content of a constraint.
        tokens: the most of the answer.
        stream: whether it is sent as it grows.
    """
    found: dict[str, Any] = {
        "messages": asked(text),
        "max_tokens": tokens,
        "seed": number,
        "stream": stream,
    }
    if stream:
        found["stream_options"] = {"include_usage": True}
    if made is not None:
        name, value = made
        found["structured_outputs"] = {"json" if name == "json_schema" else name: value}
    return found


def _answer(client: httpx2.Client, wanted: dict[str, Any]) -> tuple[str, int]:
    """The text, and how many tokens it has."""
    if not wanted["stream"]:
        said = client.post(PATH, json=wanted).raise_for_status().json()
        return said["choices"][0]["message"]["content"], said["usage"]["completion_tokens"]
    text, tokens = "", 0
    with client.stream("POST", PATH, json=wanted) as response:
        for chunk in chunks(response.raise_for_status()):
            text += piece_of("chat", chunk)
            tokens = (chunk.get("usage") or {}).get("completion_tokens", 0)
    return text, tokens


def _table(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    clocks = ("seconds", "processor_seconds")
    speeds = {
        way: [
            [each["tokens"] / each[clock] for each in records if each["way"] == way]
            for clock in clocks
        ]
        for way in WAYS
    }
    for way in WAYS:
        ratios = [
            ratio(mine, its) for mine, its in zip(speeds[way], speeds["library"], strict=True)
        ]
        rows.append([way, spread(speeds[way][0]), *ratios])
    head = f"throughput, {AT_ONCE} at once"
    return table([head, "tokens/s", "ratio", "ratio of processor time"], rows)
