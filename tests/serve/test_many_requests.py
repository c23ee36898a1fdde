"""Many requests at once: all answered, none for another, and no trace of those who left."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

import condit
from condit.model.ngram import NgramDecoder, NgramModel
from condit.sampler.awrs import AWRS

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


class SlowDecoder(NgramDecoder):
    """Takes its time for each forward."""

    def forward(self, positions: Any) -> Any:
        model = self._model
        assert isinstance(model, SlowModel)
        time.sleep(model.pause)
        model.forwards += 1
        return super().forward(positions)


class SlowModel(NgramModel):
    """A model that says how often it was asked."""

    pause = 0.05
    forwards = 0

    def start(self, prompt: Any, lanes: int = 1) -> SlowDecoder:
        decoder = SlowDecoder(self)
        decoder.admit(prompt, lanes)
        return decoder


@pytest.fixture
def slow_model() -> SlowModel:
    model = condit.load("ngram")
    return SlowModel(model.vocabulary, model.order, model._counts, model._smoothing)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("sampler", ["awrs", "smc"])
def test_lanes_of_who_leaves_are_free_within_a_step(serve, slow_model, stream, sampler):
    own = {"sampler": sampler, "n_lanes": 4}
    with serve(slow_model, concurrency=2) as server:
        body = {**LONG, "n": 4, "stream": stream, "condit": own}
        if stream and sampler == "awrs":
            with httpx2.stream("POST", f"{server.url}/v1/completions", json=body) as response:
                assert next(response.iter_lines())
        else:  # a stream that has not begun is left, too
            with pytest.raises(httpx2.TimeoutException):
                post(server.url, body, timeout=0.5)
        left = time.monotonic()
        before = slow_model.forwards
        until(lambda: server.engine.drawing == 0)
        assert slow_model.forwards <= before + 2  # the one under way, and one that it overlapped
        assert time.monotonic() - left < 5
        assert not server.engine.model._scheduler._seats
        taken = slow_model.forwards
        time.sleep(0.3)
        assert slow_model.forwards == taken


def test_who_leaves_the_queue_is_not_drawn(serve, slow_model):
    with serve(slow_model, concurrency=1) as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, server.url, {"prompt": "a", "max_tokens": 40})
        until(lambda: server.engine.drawing == 1)
        for stream in (False, True):
            with pytest.raises(httpx2.TimeoutException):
                post(server.url, {**LONG, "stream": stream}, timeout=0.2)
        until(lambda: server.engine.waiting == 0)
        assert first.result().status_code == 200
        until(lambda: server.engine.drawing == 0)
        assert "condit_draw_seconds_count 1.0" in httpx2.get(f"{server.url}/metrics").text


def test_a_sampler_that_fails_touches_no_other(serve, monkeypatch):
    step = AWRS.step

    def fail(self: AWRS, rng: Any, state: Any) -> Any:
        if state.problem.max_tokens == 13:
            raise ZeroDivisionError("in a step, in a way that nobody foresaw")
        return step(self, rng, state)

    monkeypatch.setattr(AWRS, "step", fail)
    with serve(condit.load("ngram"), concurrency=8) as server, ThreadPoolExecutor(16) as pool:
        bodies = [
            {"prompt": f"The {seed}", "seed": seed, "max_tokens": 13 if seed % 3 == 0 else 12}
            for seed in range(48)
        ]
        answers = list(pool.map(lambda body: post(server.url, body), bodies))
        monkeypatch.undo()
        model = condit.load("ngram")
        for body, answer in zip(bodies, answers, strict=True):
            if body["max_tokens"] == 13:
                assert answer.status_code == 500
                assert answer.json()["error"]["code"] == "internal_error"
                continue
            alone = condit.generate(model, **body, sampler="awrs")
            assert answer.json()["choices"][0]["text"] == alone.samples[0].text
        assert "condit_failed_total 16" in httpx2.get(f"{server.url}/metrics").text


def test_one_client_starves_no_other(serve, slow_model):
    keys = {"api_keys": ("greedy", "modest"), "queue": 20, "concurrency": 2}
    with serve(slow_model, **keys) as server, ThreadPoolExecutor(40) as pool:
        body = {"prompt": "a", "max_tokens": 8, "n": 32, "condit": {"heal": False}}
        ended: list[tuple[str, int]] = []

        def ask(key: str, n: int) -> None:
            headers = {"X-Api-Key": key}
            answer = post(server.url, {**body, "n": n}, headers=headers)
            ended.append((key, answer.status_code))

        greedy = [pool.submit(ask, "greedy", 32) for _ in range(30)]
        until(lambda: server.engine.drawing == 2 and len(ended) >= 8)
        modest = [pool.submit(ask, "modest", 1) for _ in range(3)]
        for each in (*greedy, *modest):
            each.result()
    # The queue was full, and still there was room; then it came soon.
    assert ended.count(("modest", 200)) == 3
    assert ended.count(("greedy", 429)) >= 8
    served = [key for key, status in ended if status == 200]
    assert "greedy" in served[len(served) - 5 :]
    last = max(place for place, key in enumerate(served) if key == "modest")
    assert last < len(served) - 5


def test_many_with_tools_and_some_that_leave(serve):
    lengths = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    call = ["then", ["<tool_call>", ["json_schema", lengths], "</tool_call>"]]
    with serve(condit.load("ngram"), concurrency=4) as server, ThreadPoolExecutor(12) as pool:

        def ask(number: int) -> str:
            if number % 4 == 0:
                with pytest.raises(httpx2.TimeoutException):
                    post(server.url, {**LONG, "stream": number % 8 == 0}, timeout=0.15)
                return "left"
            wanted = {"one_of": [call, ["regex", f"[a-z]{{{number}}}"]]}
            body = {"prompt": "a", "max_tokens": 300, "seed": number}
            answer = post(server.url, {**body, "condit": {"constraint": wanted}})
            assert answer.status_code == 200, answer.text
            text = answer.json()["choices"][0]["text"]
            assert text.startswith("<tool_call>{") or re.fullmatch(f"[a-z]{{{number}}}", text)
            return "answered"

        told = list(pool.map(ask, range(48)))
        assert told.count("left") == 12
        until(lambda: server.engine.drawing == 0 == server.engine.waiting)


def test_a_server_that_stops_is_not_ready_and_takes_nothing_new(serve):
    with serve(condit.load("ngram")) as server:
        until(lambda: httpx2.get(f"{server.url}/ready").status_code == 200)
        server.engine.stopping = True
        assert httpx2.get(f"{server.url}/ready").status_code == 503
        assert httpx2.get(f"{server.url}/health").status_code == 200
        answer = post(server.url, {"prompt": "a"})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.slow
def test_what_runs_is_finished_before_the_server_stops(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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
        # Without a key no page from elsewhere may have its name stand for this machine.
        assert httpx2.get(url, headers={"Host": f"evil.example:{port}"}).status_code == 403
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
