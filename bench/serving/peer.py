"""The same JSON Schemas, asked of Condit's server and of llama-cpp-python's, with SmolLM2.

Both get chat requests with ``response_format``. llama-cpp-python computes with the quantised
weights (Q4_1) of the file that SmolLM2 comes in. Condit computes with the same weights in bf16 by
torch, and, as the second contestant, by llama.cpp from that very file. Texts differ, as formats of
JSON and generators do, so rates are of valid answers and of tokens.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import jsonschema_rs

from bench.library.calls import asked
from bench.library.contestants import rotated
from bench.library.results import table
from bench.library.run import Run, console
from bench.library.statistics import ratio, spread
from bench.library.venvs import python_of
from bench.serving.clients import Clients
from bench.serving.server import Server, condit, llama_cpp_python
from bench.serving.throughput import PATH
from bench.together import ORDER, TICKET
from condit.model.smollm2 import weights

TASKS = [
    ("Write order {} of a small shop as JSON: item, count, gift.", ORDER),
    ("Customer {} cannot log in. Answer with JSON: team and summary.", TICKET),
]
PEER = "llama-cpp-python, Q4_1"
_CONTEXT = 2048


def measure(run: Run, options: Any) -> tuple[str, list[str]]:
    """The table, and what is wrong."""
    python = python_of("llama", console.print)
    most = max(options.clients)
    records: list[dict[str, Any]] = []
    with ExitStack() as stack:
        site = Path(stack.enter_context(TemporaryDirectory()))
        for name in ("llama_cpp", "llama_cpp_python-*.dist-info", "diskcache"):
            for found in python.parents[1].glob(f"lib/python*/site-packages/{name}"):
                (site / found.name).symlink_to(found)
        on_llama = ("--backend", "llama", "--threads", str(options.threads))
        servers = {
            "Condit, bf16": stack.enter_context(condit("peer", most, options.threads)),
            "Condit on llama.cpp, Q4_1": stack.enter_context(
                condit("peer-llama", most, options.threads, *on_llama, site=site)
            ),
            PEER: stack.enter_context(
                llama_cpp_python("peer-theirs", python, weights(), options.threads, _CONTEXT)
            ),
        }
        total = (options.rounds + 1) * len(options.clients) * len(servers)
        with run.counting("peer", total) as bar:
            for turn in range(options.rounds + 1):
                for count in options.clients:
                    for name in rotated([*servers], turn):
                        record = {"case": "peer", "server": name, "clients": count, "round": turn}
                        record |= _round(servers[name], count, turn, options)
                        if turn:
                            run.note(record)
                            records.append(record)
                        bar.advance()
    wrong = [
        f"{each['server']}: {each['cut']} of {each['answers']} cut, {each['valid']} valid"
        for each in records
        if each["server"] != PEER and each["valid"] + each["cut"] < each["answers"]
    ]
    return _table(records), wrong


def _round(server: Server, count: int, turn: int, options: Any) -> dict[str, Any]:
    numbers = range(turn * options.calls, (turn + 1) * options.calls)
    bodies = [_body(number, options.tokens) for number in numbers]
    used, began = server.processor_seconds, time.perf_counter()
    with Clients(server, count) as clients:
        answers = clients.map(_answer, bodies)
    return {
        "seconds": time.perf_counter() - began,
        "processor_seconds": server.processor_seconds - used,
        "answers": len(answers),
        "tokens": sum(answer["tokens"] for answer in answers),
        "valid": sum(answer["valid"] for answer in answers),
        "cut": sum(answer["cut"] for answer in answers),
    }


def _body(number: int, tokens: int) -> dict[str, Any]:
    text, schema = TASKS[number % len(TASKS)]
    # llama-cpp-python's shape, which Condit takes too.
    form = {"type": "json_object", "schema": schema}
    return {
        "messages": asked(text.format(number)),
        "max_tokens": tokens,
        "seed": number,
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": form,
    }


def _answer(client: httpx2.Client, wanted: dict[str, Any]) -> dict[str, Any]:
    said = client.post(PATH, json=wanted).raise_for_status().json()
    choice = said["choices"][0]
    try:
        value = json.loads(choice["message"]["content"])
        valid = jsonschema_rs.is_valid(wanted["response_format"]["schema"], value)
    except ValueError:
        valid = False
    cut = choice["finish_reason"] == "length"
    return {"tokens": said["usage"]["completion_tokens"], "valid": valid, "cut": cut}


def _table(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    for count in dict.fromkeys(each["clients"] for each in records):
        here = [each for each in records if each["clients"] == count]
        base = [each for each in here if each["server"] == PEER]
        for name in dict.fromkeys(each["server"] for each in here):
            mine = [each for each in here if each["server"] == name]
            row = [f"{count} at once: {name}"]
            for what in ("valid", "tokens"):
                rates = [[each[what] / each["seconds"] for each in them] for them in (mine, base)]
                row += [spread(rates[0], 2 if what == "valid" else 1), ratio(*rates)]
            processor = [
                [each["tokens"] / each["processor_seconds"] for each in them]
                for them in (mine, base)
            ]
            answers = sum(each["answers"] for each in mine)
            row += [ratio(*processor), f"{sum(each['valid'] for each in mine)}/{answers}"]
            rows.append([*row, str(sum(each["cut"] for each in mine))])
    heads = ["peer", "valid answers/s", "ratio", "tokens/s", "ratio"]
    return table([*heads, "ratio of processor time", "valid", "cut"], rows)
