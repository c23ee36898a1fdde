"""Requests side by side: long prompts in pieces, kept beginnings, and each in its turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

import condit
from condit.model.decoder import Decoder, Logits
from condit.model.ngram import NgramDecoder, NgramModel
from condit.model.tree import Position


class Slow(NgramModel):
    """A model that takes its time for each forward, and notes how many positions it had."""

    forwarded: list[int]

    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        decoder = SlowDecoder(self)
        decoder.admit(prompt, lanes)
        return decoder


class SlowDecoder(NgramDecoder):
    def forward(self, positions: Sequence[Position]) -> list[Logits]:
        model = self._model
        assert isinstance(model, Slow)
        model.forwarded.append(len(positions))
        time.sleep(0.005)
        return super().forward(positions)


@pytest.fixture
def slow() -> Slow:
    usual = condit.load("ngram")
    assert isinstance(usual, NgramModel)
    model = Slow(usual.vocabulary, usual.order, usual._counts, usual._smoothing)
    model.forwarded = []
    return model


def post(url: str, body: dict[str, Any]) -> httpx2.Response:
    answer = httpx2.post(f"{url}/v1/completions", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_others_go_on_while_a_long_prompt_is_forwarded_in_pieces(serve, slow):
    writing = {
        "prompt": "a",
        "max_tokens": 5000,
        "stream": True,
        "structured_outputs": {"regex": "[a-z ]{4000}"},
    }
    with (
        serve(slow) as server,
        ThreadPoolExecutor(1) as pool,
        httpx2.stream("POST", f"{server.url}/v1/completions", json=writing, timeout=60) as stream,
    ):
        lines = stream.iter_lines()
        next(lines)
        before = len(slow.forwarded)
        long = pool.submit(post, server.url, {"prompt": "a long prompt " * 150, "max_tokens": 1})
        pieces = 0
        while not long.done():
            pieces += next(lines).startswith("data: ")
        length = long.result().json()["usage"]["prompt_tokens"]
    assert length > 1000
    piece = server.engine.model._scheduler.piece
    meanwhile = slow.forwarded[before:]
    assert max(meanwhile) <= piece + 64  # what the one who writes needs, and its drafts
    assert sum(count > piece // 2 for count in meanwhile) >= length // piece
    assert pieces >= length // piece - 2  # it wrote beside each but the first and the last


def test_requests_that_wait_are_drawn_in_the_order_in_which_they_came(serve, slow):
    with serve(slow, concurrency=1) as server, ThreadPoolExecutor(5) as pool:
        ended: list[int] = []

        def ask(number: int) -> None:
            body = {"prompt": "a", "max_tokens": 30, "structured_outputs": {"regex": "[a-z]{12}"}}
            post(server.url, body)
            ended.append(number)

        def at_work() -> int:
            return server.engine.waiting + server.engine.drawing

        asked = []
        for number in range(5):
            asked.append(pool.submit(ask, number))
            until(lambda n=number: at_work() + len(ended) > n)
        for each in asked:
            each.result()
    assert ended == [0, 1, 2, 3, 4]


def test_beginnings_of_prompts_are_kept_for_later_requests_within_a_limit(served):
    told = {"role": "system", "content": "You answer in a few words, as a pirate does. " * 12}
    limit = condit.cache_info().limit

    def ask(path: str, question: str, **more: Any) -> None:
        body = {"messages": [told, {"role": "user", "content": question}], "max_tokens": 2}
        answer = httpx2.post(f"{served.url}{path}", json={**body, **more}, timeout=60)
        assert answer.status_code == 200, answer.text

    condit.clear_cache()
    try:
        ask("/v1/chat/completions", "Who are you?")
        first = condit.cache_info()
        ask("/v1/messages", "Where are you?")
        second = condit.cache_info()
        assert second.reused_tokens - first.reused_tokens > 120
        room = 2 * first.bytes // first.prompts
        condit.set_cache_limit(room)
        for number in range(4):
            ask("/v1/chat/completions", f"What is {number}?")
            assert 0 < condit.cache_info().bytes <= room
    finally:
        condit.set_cache_limit(limit)
