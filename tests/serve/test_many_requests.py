"""Many requests at once: all answered, none for another, and no trace of those who left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

import condit

SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "minimum": 0, "maximum": 99},
        "b": {"enum": ["x", "y"]},
    },
    "required": ["a", "b"],
    "additionalProperties": False,
}
KINDS: list[tuple[dict[str, Any], condit.Constraint | None]] = [
    ({"regex": "[a-z]{2,6}"}, condit.regex("[a-z]{2,6}")),
    ({"json": SCHEMA}, condit.json_schema(SCHEMA)),
    ({"choice": ["red", "green"]}, condit.choice("red", "green")),
    ({}, None),
]
LONG = {"prompt": "a", "max_tokens": 100_000, "structured_outputs": {"regex": "[a-z ]{90000}"}}


def post(url: str, body: dict[str, Any], **options: Any) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/completions", json=body, **{"timeout": 60, **options})


def until(true: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def texts(url: str, body: dict[str, Any]) -> list[str]:
    """The texts of an answer, whole or streamed."""
    answer = post(url, body)
    assert answer.status_code == 200, answer.text
    if not body["stream"]:
        return [choice["text"] for choice in answer.json()["choices"]]
    found = [""] * body["n"]
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    for choice in (each for line in lines for each in json.loads(line)["choices"]):
        found[choice["index"]] += choice["text"]
    return found


def test_each_of_many_gets_its_own_draws(served_ngram):
    model = condit.load("ngram")
    bodies = []
    for seed in range(48):
        wanted, constraint = KINDS[seed % len(KINDS)]
        body = {
            "prompt": f"The {seed}",
            "seed": seed,
            "max_tokens": 40,
            "n": 1 + seed % 3,
            "stream": seed % 5 == 0,
            "structured_outputs": wanted or None,
        }
        bodies.append((body, constraint))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda each: texts(served_ngram.url, each[0]), bodies))
    for (body, constraint), found in zip(bodies, answers, strict=True):
        if constraint is not None:
            assert all(constraint.accepts(text) for text in found)
        try:
            alone = condit.generate(
                model,
                body["prompt"],
                constraint,
                n=body["n"],
                max_tokens=40,
                seed=body["seed"],
                sampler="awrs",
            )
        except condit.BudgetError as error:
            alone = error.result
        assert found == [sample.text for sample in alone.samples]
    until(lambda: served_ngram.engine.drawing == 0 == served_ngram.engine.waiting)


def test_who_leaves_takes_no_room(serve):
    with serve(condit.load("ngram"), concurrency=2) as server:
        for _ in range(2):
            with pytest.raises(httpx2.TimeoutException):
                post(server.url, LONG, timeout=0.2)
            body = {**LONG, "stream": True}
            with httpx2.stream("POST", f"{server.url}/v1/completions", json=body) as response:
                assert next(response.iter_lines())  # and leaves
        until(lambda: server.engine.drawing == 0 == server.engine.waiting)
        assert post(server.url, {"prompt": "a", "max_tokens": 2}).status_code == 200
        metrics = httpx2.get(f"{server.url}/metrics").text
        assert re.search(r"^condit_drawing 0", metrics, re.MULTILINE)


def test_too_many_are_told_to_come_back_and_late_ones_that_it_is_late(serve):
    with (
        serve(condit.load("ngram"), concurrency=1, queue=1, deadline=2.0) as server,
        ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(post, server.url, LONG)
        until(lambda: server.engine.drawing == 1)
        second = pool.submit(post, server.url, LONG)
        until(lambda: server.engine.waiting == 1)
        refused = post(server.url, {"prompt": "a"})
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert [first.result().status_code, second.result().status_code] == [504, 504]
        until(lambda: server.engine.drawing == 0 == server.engine.waiting)


@pytest.mark.slow
def test_what_runs_is_finished_before_the_server_stops(tmp_path):
    port = 8947
    command = [sys.executable, "-m", "condit", "serve", "-m", "ngram", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file, env=dict(os.environ))
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return httpx2.get(f"{url}/ready", timeout=30).status_code == 200
        except httpx2.ConnectError:
            assert server.poll() is None, log.read_text()
            return False

    try:
        until(ready, 60)
        body = {
            "prompt": "secret",
            "max_tokens": 3000,
            "structured_outputs": {"regex": "[a-z]{1500}"},
        }
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(post, url, body)
            until(lambda: "condit_drawing 1" in httpx2.get(f"{url}/metrics").text)
            server.send_signal(signal.SIGTERM)
            assert running.result().status_code == 200
        server.wait(30)
    finally:
        server.kill()
    assert "secret" not in log.read_text()
