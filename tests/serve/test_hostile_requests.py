"""What is wrong with a request is told, and harms neither the server nor other requests."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

import condit
from condit.playground.checking import Checker, Written
from condit.serve import compiler
from condit.serve.engine import Engine
from condit.serve.request_errors import RequestError
from condit.serve.settings import ServeSettings
from condit.serve.specification import Specification

DEEP = b"[" * 100 + b"]" * 100
# A text without an end, full of quotes, must not be tried from each of them.
QUOTES = b'"' + rb"\"" * 1_000_000
RAW = [
    b"",
    b"{",
    b"0",
    b"null",
    DEEP,
    QUOTES,
    b'{"prompt": "\xff"}',
    b'{"prompt": "a", "temperature": NaN}',
    b'{"prompt": "a", "json_schema": {"minimum": Infinity}}',
    b'{"prompt": "a", "json_schema": {"minimum": 1e999}}',
    rb'{"prompt": "\ud800"}',
    rb'{"prompt": "a", "stop": ["\udfff"]}',
    rb'{"prompt": "a", "json_schema": {"const": "\ud800"}}',
    rb'{"prompt": "a", "\ud800": 1}',
    b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}",
    b'{"prompt": "\xc0\xaf"}',  # overlong
    b'{"prompt": "\xed\xa0\x80"}',  # a surrogate
    b'{"prompt": "\xf5\x80\x80\x80"}',
    b'{"prompt": "a", "n": ' + b"1" * 4000 + b"}",
    b'{"prompt": "a", "n": -Infinity}',
]
MALFORMED: list[dict[str, Any]] = [
    {"choice": 3},
    {"literal": None},
    {"all": 3},
    {"then": [["x"]]},
    {"repeated": {}},
    {"tags": 3},
    {"regex": ["a"]},
    {"json_schema": "/etc/passwd"},
    {"json_schema": {"$ref": "file:///etc/passwd"}},
    {"json_schema": {"$ref": "http://127.0.0.1:9/schema"}},
    {"file": "/etc/passwd"},
    {"python": "os:getcwd"},
]


@pytest.fixture(scope="module")
def url(served_ngram) -> str:
    return served_ngram.url


def post(url: str, body: dict[str, Any] | bytes, **options: Any) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **options.pop("headers", {})}
    options = {"timeout": 20, **options}
    return httpx2.post(f"{url}/v1/completions", content=content, headers=headers, **options)


@pytest.mark.parametrize("body", RAW, ids=lambda body: repr(body[:40]))
def test_what_is_no_request_is_refused(url, body):
    answer = post(url, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("constraint", MALFORMED, ids=json.dumps)
def test_what_is_no_constraint_is_refused(url, constraint):
    answer = post(url, {"prompt": "a", "condit": {"constraint": constraint}})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"].startswith("condit.constraint")


def test_a_whole_pair_of_surrogates_is_text(url):
    assert post(url, rb'{"prompt": "\ud83d\ude00 and", "max_tokens": 2}').status_code == 200


def test_a_body_that_is_too_large_is_refused(serve):
    with serve(condit.load("ngram"), most_body=1000) as server:
        assert post(server.url, {"prompt": "a" * 2000}).status_code == 413


def test_who_has_no_key_is_refused(serve):
    with serve(condit.load("ngram"), api_keys=("right", "other")) as server:
        ask = {"prompt": "a", "max_tokens": 1}
        for header in ({}, {"Authorization": "Bearer wrong"}, {"X-Api-Key": "righ"}):
            assert post(server.url, ask, headers=header).status_code == 401
        for header in ({"Authorization": "Bearer right"}, {"X-Api-Key": "other"}):
            assert post(server.url, ask, headers=header).status_code == 200
        assert httpx2.get(f"{server.url}/health").status_code == 200
        assert httpx2.get(f"{server.url}/metrics").status_code == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "x/y; z", "", None])
def test_a_body_of_another_type_is_refused_or_read_as_json(url, kind):
    headers = {} if kind is None else {"Content-Type": kind}
    for path in ("/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages"):
        answer = httpx2.post(f"{url}{path}", content=b"<a/>", headers=headers, timeout=20)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]
        answer = httpx2.post(f"{url}{path}", content=b'{"n": 1}', headers=headers, timeout=20)
        assert answer.status_code == 400


def test_of_keys_that_are_given_twice_the_last_holds(url):
    assert post(url, b'{"prompt": "a", "n": 0, "n": 2, "max_tokens": 2}').status_code == 200
    assert post(url, b'{"prompt": "a", "n": 2, "n": 0, "max_tokens": 2}').status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"stop": ["a"] * 65},
        {"stop": ["a" * 1001]},
        {"stop": [1] * 90_000},
        {"stop": [1] * 1_000_000},
        {"logit_bias": {str(token): 1 for token in range(90_000)}},
        {"max_tokens": 10**9},
        {"prompt": [[1]] * 40_000},
    ],
    ids=lambda more: f"{next(iter(more))} {len(json.dumps(more))}",
)
def test_what_costs_much_is_refused_soon(url, more):
    began = time.process_time()
    assert post(url, {"prompt": "a", **more}).status_code in (400, 413)
    assert time.process_time() - began < 5  # the server is this process


@pytest.mark.slow
def test_a_constraint_that_takes_too_long_is_given_up_and_others_go_on(serve):
    with serve(condit.load("ngram"), compile_workers=1, compile_deadline=0.3) as server:
        _ready(server.url)
        words = [f"{number * 7919 % 1_000_003:06d}-{number}" for number in range(90_000)]
        large = {"prompt": "a", "structured_outputs": {"choice": words}}
        with ThreadPoolExecutor(1) as pool:
            given_up = pool.submit(post, server.url, large)
            while not given_up.done():
                assert post(server.url, {"prompt": "a", "max_tokens": 3}).status_code == 200
            assert given_up.result().status_code == 400
            assert given_up.result().json()["error"]["code"] == "constraint_too_complex"


@pytest.mark.slow
def test_a_constraint_that_compiles_for_seconds_holds_up_no_other(serve):
    with serve(condit.load("ngram"), compile_workers=2, compile_deadline=8) as server:
        _ready(server.url)
        words = "|".join(f"w{number}" for number in range(99_000))
        long = {"prompt": "a", "structured_outputs": {"regex": words}}
        with ThreadPoolExecutor(3) as pool:
            began = time.monotonic()
            running = [pool.submit(post, server.url, long, timeout=120) for _ in range(3)]
            time.sleep(2.5)
            number = 0
            while not running[0].done() and number < 2:
                number += 1
                new = {"prompt": "a", "structured_outputs": {"regex": f"[ab]{{{number}}}"}}
                assert post(server.url, new, timeout=120).status_code == 200
            assert number == 2
            for each in running:
                assert each.result().status_code == 400
                assert each.result().json()["error"]["code"] == "constraint_too_complex"
            assert 6 < time.monotonic() - began < 100
        began = time.monotonic()
        assert post(server.url, long).status_code == 400
        assert time.monotonic() - began < 1  # it is remembered
        assert server.engine.compiler.misses == 1 + 3 + number


@pytest.mark.slow
def test_a_constraint_that_nobody_waits_for_any_more_is_given_up():
    many = Specification.of("regex", "|".join(f"w{number}" for number in range(99_000)), "x")
    few, less = (Specification.of("regex", f"[ab]{{{number}}}", "x") for number in (7, 8))
    short, shorter = (Written(kind="regex", text=f"[cd]{{{number}}}") for number in (7, 8))

    async def leave() -> None:
        engine = Engine(condit.load("ngram"), ServeSettings(compile_workers=1, queue=1))
        compiler, checker = engine.compiler, Checker(engine)
        asked = [asyncio.create_task(compiler.constraint(each)) for each in (less, few, few)]
        await asyncio.sleep(0.05)
        asked[0].cancel()
        asked[1].cancel()
        await asyncio.wait(asked[:2])
        assert len(compiler._under_way) == 1
        assert (await asked[2]).accepts("abababa")
        running = asyncio.create_task(compiler._try(many, 300.0))
        waiting = asyncio.create_task(checker.check(short))
        await asyncio.sleep(0.2)
        with pytest.raises(RequestError) as refused:  # there is one process, and one may wait
            await checker.check(shorter)
        assert refused.value.status == 429
        running.cancel()
        # Its process is ended; else it would go on for some 15 seconds.
        await asyncio.wait([running], timeout=10)
        assert running.cancelled()
        assert (await waiting)["ok"]
        with pytest.raises(RequestError):
            await compiler.constraint(Specification.of("json_schema", {"type": "x" * 1000}, "x"))
        (remembered,) = compiler._refused.values()
        assert len(str(vars(remembered))) < 1000
        engine.close()

    asyncio.run(leave())


@pytest.mark.slow
@pytest.mark.parametrize("how", ["idle", "busy", "no memory"])
def test_a_compiling_process_that_dies_is_replaced(serve, how, monkeypatch):
    monkeypatch.setattr(compiler, "MEMORY", 2**30)
    with serve(condit.load("ngram"), compile_workers=1, compile_deadline=20) as server:
        _ready(server.url)
        if how == "no memory":
            _limit_memory(_worker(server), 50 * 2**20)
        with ThreadPoolExecutor(1) as pool:
            if how != "idle":
                large = {"free": "x" * 100_000}
                ask = {"prompt": "a", "condit": {"constraint": large}}
                running = pool.submit(post, server.url, ask, timeout=120)
                time.sleep(0.5)
            if how != "no memory":
                os.kill(_worker(server), signal.SIGKILL)
            if how == "busy":
                time.sleep(2.5)  # it is tried once more
                os.kill(_worker(server), signal.SIGKILL)
            if how != "idle":
                answer = running.result()
                assert answer.status_code == 400
                assert answer.json()["error"]["code"] == "constraint_too_complex"
        time.sleep(1)
        ask = {"prompt": "a", "condit": {"constraint": {"regex": "[a-c]{3}"}}}
        assert post(server.url, ask, timeout=120).status_code == 200


def _worker(server: Any) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        workers = server.engine.compiler._pool._pool_manager.worker_manager.workers
        if alive := [each.pid for each in list(workers.values()) if each.is_alive()]:
            return alive[0]
        time.sleep(0.02)
    raise TimeoutError("no process compiles")


def _limit_memory(process: int, more: int) -> None:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + more
    resource.prlimit(process, resource.RLIMIT_AS, (most, most))


def _ready(url: str) -> None:
    while httpx2.get(f"{url}/ready", timeout=30).status_code != 200:
        time.sleep(0.1)
