"""What is wrong with a request is told, and harms neither the server nor other requests."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

import condit

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
    return httpx2.post(
        f"{url}/v1/completions", content=content, headers=headers, timeout=20, **options
    )


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


def test_web_pages_may_not_ask_unless_told(url):
    answer = httpx2.get(f"{url}/health", headers={"Origin": "http://example.org"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.slow
def test_a_constraint_that_takes_too_long_is_given_up_and_others_go_on(serve):
    with serve(condit.load("ngram"), compile_workers=1, compile_deadline=0.3) as server:
        _ready(server.url)
        words = [f"{number * 7919 % 1_000_003:06d}-{number}" for number in range(150_000)]
        large = {"prompt": "a", "structured_outputs": {"choice": words}}
        with ThreadPoolExecutor(1) as pool:
            given_up = pool.submit(post, server.url, large)
            while not given_up.done():
                assert post(server.url, {"prompt": "a", "max_tokens": 3}).status_code == 200
            assert given_up.result().status_code == 400
            assert given_up.result().json()["error"]["code"] == "constraint_too_complex"


@pytest.mark.slow
def test_a_compiling_process_that_dies_is_replaced(serve):
    with serve(condit.load("ngram"), compile_workers=1) as server:
        _ready(server.url)
        (worker,) = list(server.engine.compiler._pool._pool_manager.worker_manager.workers.values())
        os.kill(worker.pid, signal.SIGKILL)
        time.sleep(1)
        ask = {"prompt": "a", "condit": {"constraint": {"regex": "[a-c]{3}"}}}
        assert post(server.url, ask).status_code == 200


def _ready(url: str) -> None:
    while httpx2.get(f"{url}/ready", timeout=30).status_code != 200:
        time.sleep(0.1)
