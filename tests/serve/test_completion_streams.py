"""Streams of completions hold what the whole answer does, also of several prompts."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

BODY = {"model": "ngram", "prompt": "the ", "max_tokens": 12, "seed": 5}


def post(served, **more: Any) -> httpx2.Response:
    return httpx2.post(f"{served.url}/v1/completions", json={**BODY, **more}, timeout=60)


def chunks(served, **more: Any) -> list[dict[str, Any]]:
    lines = post(served, stream=True, **more).text.splitlines()
    *told, end = [line.removeprefix("data: ") for line in lines if line]
    assert end == "[DONE]"
    return [json.loads(line) for line in told]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"n": 3, "echo": True, "logprobs": 2},
        {"stop": ["of"], "logprobs": 0},
        {"prompt": ["the ", "a ", "in "]},
        {"prompt": ["the ", "a "], "n": 2, "echo": True, "logprobs": 1},
        {"echo": True, "condit": {"constraint": {"regex": "[a-z]+"}, "sampler": "smc"}, "n": 2},
    ],
    ids=" ".join,
)
def test_a_stream_is_the_whole_answer_in_pieces(served_ngram, more):
    whole = post(served_ngram, **more).json()
    *told, last = chunks(served_ngram, stream_options={"include_usage": True}, **more)
    assert last["choices"] == []
    assert last["usage"] == whole["usage"]
    assert all(chunk["usage"] is None for chunk in told)
    for choice in whole["choices"]:
        own = [each for chunk in told for each in chunk["choices"]]
        own = [each for each in own if each["index"] == choice["index"]]
        assert "".join(each["text"] for each in own) == choice["text"]
        assert [each["finish_reason"] for each in own][-1] == choice["finish_reason"]
        assert not any(each["finish_reason"] for each in own[:-1])
        scored = [each["logprobs"] for each in own if each["logprobs"]]
        assert bool(scored) == bool(choice["logprobs"])
        for name, values in (choice["logprobs"] or {}).items():
            assert [each for piece in scored for each in piece[name]] == values


def test_each_prompt_has_its_choices_in_turn_and_its_own_field(served_ngram):
    more = {"prompt": ["the ", "a "], "n": 2}
    told = chunks(served_ngram, **more)
    assert {each["index"] for chunk in told for each in chunk["choices"]} == {0, 1, 2, 3}
    assert [bool(chunk.get("condit")) for chunk in told] == [False] * (len(told) - 1) + [True]
    whole = post(served_ngram, **more).json()
    own, alone = told[-1]["condit"], whole["condit"]
    assert [each["choices"] for each in own] == [each["choices"] for each in alone]


def test_a_prompt_that_is_wrong_is_told_in_the_stream_or_before(served_ngram):
    answer = post(served_ngram, stream=True, prompt=[[10**9], [10**9]])
    assert answer.status_code == 400
    answer = post(served_ngram, stream=True, prompt=[[1], [10**9]])
    assert "error" in answer.text
    assert "outside" in answer.text
    assert "[DONE]" not in answer.text
