"""Hostile requests: valid bodies of all routes, made wrong at random, against a server on loopback.

Tells every answer of status 500 or more (504 aside), every request that got none in time, and how
much memory the server's process gained. What is sent is the same for the same seed.

    python -m bench.hostile [-m ngram] [--count 5000] [--seed 1]

With ``--large`` each body of `bench.hostile_bodies` is sent too, which take as much as they may.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2 as httpx

from bench.hostile_bodies import bodies

SECONDS = 45.0
"""How long a request may take before it is called a hang: more than the server gives it (30)."""

_SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}},
    "required": ["a"],
}
_FUNCTION = {"name": "f", "description": "d", "parameters": _SCHEMA, "strict": True}
_CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_TOOL = {"type": "function", "function": _FUNCTION}
_GRAMMAR = {"syntax": "regex", "definition": "[a-z]"}
_CUSTOM = {"type": "custom", "custom": {"name": "g", "format": {"type": "grammar", **_GRAMMAR}}}
_HELD = {"type": "json_schema", "json_schema": _SCHEMA}
_TAG = {"type": "tag", "begin": "<a>", "content": _HELD, "end": "</a>"}
_MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "1", "content": "sunny"},
]
_PLAIN = [{"role": "user", "content": "Hello"}]
_POLICY = {
    "calls": {"f": 2, "g": [0, None]},
    "total": 3,
    "order": [["f", "g"]],
    "exclusive": [["f", "g"]],
    "parallel": [["f", "g"]],
    "depends": {"f.b": "g.flights[*].id"},
    "answer": {"regex": "[a-z]{1,9}"},
}
_EXPRESSION = (
    'integer(0, 130) | "unknown" & ~regex("u.*", lists=["a"]) + (json_schema({"enum": [1, true]}), '
    'lexical.words(at_most=9), template("{a}", a=csv({"b": "date="}))) * (2, 3)'
)
_PIECES = (
    *"()[]{},.=*&|~+-\"'\n#:", *("file(", "python(", "quote(", "where(", "lexical.", "forbid("),
    *("condit.", ".__class__", "9" * 30, "1e999", "**", "'/etc/passwd'", "lambda: 1", "repeat("),
    *("\N{DIGIT ONE}", "\0", "²", "(" * 150, "~" * 300, "'a' | " * 90, "grammar(", "_" * 9, "None"),
)  # fmt: skip
"""What is written into an expression."""
_COMMON = {"seed": 1, "temperature": 1.0, "top_p": 0.9, "top_k": 5, "stop": ["\n"]}

BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/ui/check", {"kind": "expression", "text": _EXPRESSION}),
    ("/ui/check", {"kind": "json_schema", "text": json.dumps(_SCHEMA)}),
    ("/ui/check", {"kind": "lark", "text": 'start: "a" | b\nb: /[a-z]{1,9}/'}),
    ("/ui/check", {"kind": "choice", "text": "a\nb\n\nc"}),
    (
        "/ui/draw",
        {
            **_COMMON,
            "prompt": "Hello",
            "constraint": {"kind": "expression", "text": 'integer(0, 9) | "none"'},
            "sampler": "smc",
            "n": 3,
            "max_tokens": 8,
            "instruct": True,
        },
    ),
    ("/ui/draw", {"prompt": _PLAIN, "n": 2, "max_tokens": 8}),
    (
        "/v1/completions",
        {"prompt": "a", "max_tokens": 8, "condit": {"constraint": {"expression": _EXPRESSION}}},
    ),
    (
        "/v1/chat/completions",
        {"messages": _MESSAGES, "tools": [_TOOL, _CUSTOM], "condit": {"policy": _POLICY}},
    ),
    (
        "/v1/messages",
        {
            "max_tokens": 8,
            "messages": _PLAIN,
            "tools": [{"name": each, "input_schema": _SCHEMA} for each in "fg"],
            "condit": {"policy": _POLICY},
        },
    ),
    (
        "/v1/chat/completions",
        {
            **_COMMON,
            "messages": _MESSAGES,
            "max_tokens": 8,
            "n": 2,
            "logit_bias": {"3": 1.5},
            "logprobs": True,
            "top_logprobs": 2,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "s", "schema": _SCHEMA},
            },
        },
    ),
    (
        "/v1/chat/completions",
        {
            "messages": _MESSAGES,
            "max_tokens": 8,
            "tools": [_TOOL, _CUSTOM],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "parallel_tool_calls": False,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ),
    (
        "/v1/completions",
        {
            **_COMMON,
            "prompt": ["Hello", "World"],
            "max_tokens": 8,
            "logprobs": 2,
            "echo": True,
            "structured_outputs": {"regex": "[a-z]{1,4}"},
        },
    ),
    (
        "/v1/completions",
        {
            "prompt": [1, 2, 3],
            "max_tokens": 8,
            "stream": True,
            "structured_outputs": {"structural_tag": {"type": "structural_tag", "format": _TAG}},
        },
    ),
    (
        "/v1/completions",
        {
            "prompt": "Hello",
            "max_tokens": 8,
            "condit": {
                "constraint": {"choice": ["ab", "cd"], "regex": "[a-d]+"},
                "sampler": "awrs",
                "n_lanes": 3,
                "prefer": {"length": "5"},
                "instruct": False,
                "heal": True,
                "trace": True,
            },
        },
    ),
    (
        "/v1/completions",
        {
            "prompt": "Hello",
            "max_tokens": 8,
            "condit": {
                "constraint": {
                    "repeated": {
                        "part": ["then", ["a", ["regex", "b"]]],
                        "least": 1,
                        "most": 3,
                        "separator": ",",
                    }
                }
            },
        },
    ),
    ("/v1/completions", {"prompt": "Hello", "max_tokens": 8, "json_schema": _SCHEMA}),
    ("/v1/completions", {"prompt": "Hello", "max_tokens": 8, "grammar": 'root ::= "a" | "b"'}),
    (
        "/v1/responses",
        {
            "input": [{"type": "message", **_PLAIN[0]}],
            "instructions": "Be brief.",
            "max_output_tokens": 20,
            "text": {"format": {"type": "json_schema", "name": "s", "schema": _SCHEMA}},
            "tools": [{"type": "function", **_FUNCTION}],
            "tool_choice": "auto",
        },
    ),
    (
        "/v1/messages",
        {
            "model": "ngram",
            "max_tokens": 8,
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": _PLAIN,
            "stop_sequences": ["\n"],
            "output_config": {"format": {"type": "json_schema", "schema": _SCHEMA}},
            "tools": [{"name": "f", "description": "d", "input_schema": _SCHEMA}],
            "tool_choice": {"type": "auto"},
        },
    ),
    (
        "/api/chat",
        {
            "model": "ngram",
            "messages": _PLAIN,
            "format": _SCHEMA,
            "options": {"num_predict": 8, "seed": 1, "temperature": 1.0},
            "tools": [_TOOL],
            "stream": False,
        },
    ),
    (
        "/api/generate",
        {"model": "ngram", "prompt": "Hello", "format": "json", "options": {"num_predict": 8}},
    ),
]

_DEEP: Any = {"type": "string"}
for _ in range(15):
    _DEEP = {"anyOf": [_DEEP, {"allOf": [_DEEP]}]}

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 2**64, 10**30, 10**400, 0.5, 3.0, -0.0,
    1e308, 5e-324, "", "a", "\x00", "\ud800", "a\udfff", "\U0010ffff", "\ufeff",
    "²", "\u0661", "1e5",
    "x" * 5000, "(" * 300, "[a", "(a{1,500}){1,500}", "(?<=a)b", "a{2,1}", "\\",
    "file:///etc/passwd",
    [], {}, [[]], [{}], {"": ""}, [None], {"a": None}, [1, "a"], [-1], [2**70], [True],
    [[1], ["a"]],
    {"$ref": "#"}, {"$ref": "file:///etc/passwd"}, {"$ref": "http://127.0.0.1:9/x"},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, {"type": "strin"}, {"type": []},
    {"enum": []}, {"enum": list(range(3000))}, {"pattern": "("}, {"minimum": "a"}, _DEEP,
    {"required": 5}, {"properties": []}, {"items": 3}, {"minItems": -1}, {"maxLength": 10**30},
    {"multipleOf": 0}, {"const": "\ud800"}, {"python": "1"}, {"file": "/etc/passwd"},
    {"json_schema": "/etc/passwd"}, {"date": ""}, {"all": []}, {"tags": 3}, {"free": 3},
    {"literal": None}, {"choice": "ab"}, {"then": [["x"]]}, {"grammar": 5}, {"yaml": "a"},
    "NaN!", "Infinity!", "1e999!",
]  # fmt: skip
"""What a value is replaced with; texts that end in ``!`` are written into the body as they are."""


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for place in range(len(value)):
            yield from _places(value[place], (*path, place))


def _mutated(body: Any, rng: random.Random) -> Any:
    body = copy.deepcopy(body)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(body))
        *way, last = rng.choice(places) or (None,)
        if last is None:
            body = copy.deepcopy(rng.choice(VALUES)) if rng.random() < 0.3 else body
            continue
        holder = body
        for step in way:
            holder = holder[step]
        kind = rng.random()
        if last == "text" or (last == "expression" and kind < 0.9):
            holder[last] = _typed(str(holder[last]), rng)
        elif kind < 0.12:
            del holder[last]
        elif kind < 0.2 and isinstance(holder, dict):
            holder[rng.choice(["\ud800", "", "unknown", "type", "format"])] = holder.pop(last)
        else:
            holder[last] = copy.deepcopy(rng.choice(VALUES))
    return body


def _typed(text: str, rng: random.Random) -> str:
    """A text in which somebody has typed: pieces are put in, left out or moved."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, to = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        put = rng.choice((rng.choice(_PIECES), text[at:to], ""))
        text = text[:at] + put + text[rng.choice((at, to)) :]
    return text


def _written(body: Any, rng: random.Random) -> bytes:
    text = re.sub(r'"(NaN|Infinity|1e999)!"', r"\1", json.dumps(body))
    written = text.encode()
    kind = rng.random()
    if kind < 0.03:
        at = rng.randrange(len(written))
        written = written[:at] + bytes([rng.randrange(256)]) + written[at + 1 :]
    elif kind < 0.05:
        written = written[: rng.randrange(len(written))]
    elif kind < 0.06:
        written = rng.choice((b"", b"[" * 100_000, b'"' + b'\\"' * 500_000, b"\xff\xfe", b"0"))
    return written


def hostile(count: int, seed: int) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Paths, bodies and headers."""
    rng = random.Random(seed)
    for _ in range(count):
        path, body = rng.choice(BODIES)
        written = _written(_mutated(body, rng), rng)
        kind = (
            "application/json" if rng.random() < 0.97 else rng.choice(("text/plain", "", "x/y; z"))
        )
        yield path, written, {"Content-Type": kind}


def large() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Paths, bodies and headers of requests that take much."""
    for body in bodies():
        yield "/v1/completions", body, {"Content-Type": "application/json"}


def attack(
    url: str, requests: Iterable[tuple[str, bytes, dict[str, str]]], seconds: float = SECONDS
) -> tuple[Counter[int], list[str]]:
    """How often each status was answered, and what should not have been."""
    wrong: list[str] = []
    statuses: Counter[int] = Counter()

    def send(item: tuple[str, bytes, dict[str, str]]) -> None:
        path, body, headers = item
        try:
            answer = client.post(path, content=body, headers=headers)
            statuses[answer.status_code] += 1
            failed = answer.status_code >= 500 and answer.status_code != 504
            if failed or b'"internal_error"' in answer.content:
                wrong.append(f"{answer.status_code} {path} {body[:1500]!r}: {answer.text[:200]}")
        except httpx.HTTPError as error:
            wrong.append(f"{type(error).__name__} {path} {body[:1500]!r}")

    with (
        httpx.Client(base_url=url, timeout=seconds) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(send, requests))
    return statuses, wrong


def _peak(process: int) -> float:
    """The most that a process has held in memory, in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _memory(process: int) -> float:
    """What a process holds in memory, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Start a server with the ngram model, or use one that runs, and attack it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", default="ngram")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=8931)
    parser.add_argument("--most-growth", type=float, default=600.0, help="in MiB")
    parser.add_argument("--log", default="/tmp/condit-hostile.log")
    asked = parser.parse_args()
    url = f"http://127.0.0.1:{asked.port}"
    command = [
        sys.executable,
        "-m",
        "condit",
        "serve",
        "-m",
        asked.model,
        "--port",
        str(asked.port),
    ]
    with open(asked.log, "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [*command, "--deadline", "30", "--compile-deadline", "3"], stdout=log, stderr=log
        )
    try:
        _wait(url, server)
        attack(url, hostile(50, asked.seed + 1))
        before, began = _memory(server.pid), time.monotonic()
        statuses, wrong = attack(url, hostile(asked.count, asked.seed))
        if asked.large:
            more, also_wrong = attack(url, large(), 240.0)
            statuses, wrong = statuses + more, wrong + also_wrong
        seconds, growth = time.monotonic() - began, _memory(server.pid) - before
        peak = _peak(server.pid)
        gone = httpx.get(f"{url}/ready", timeout=10).status_code != 200
    finally:
        server.terminate()
        server.wait(60)
    for each in wrong:
        print(each)
    print(f"{asked.count} requests in {seconds:.0f} s: {dict(sorted(statuses.items()))}")
    print(f"{len(wrong)} wrong; ready: {not gone}")
    print(f"memory {before:.0f} MiB before, {growth:.0f} more after, at most {peak:.0f} meanwhile")
    sys.exit(bool(wrong or gone or growth > asked.most_growth))


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/ready").status_code == 200:
                return
        except httpx.HTTPError:
            if server.poll() is not None:
                raise
        time.sleep(0.2)
    raise TimeoutError("the server did not become ready")


if __name__ == "__main__":
    main()
