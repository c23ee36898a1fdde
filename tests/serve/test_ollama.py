"""Ollama's routes, as plain HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx2

SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 0, "maximum": 130}},
    "required": ["age"],
    "additionalProperties": False,
}


def post(served, path: str, **body: Any) -> httpx2.Response:
    body = {"model": "smollm2:latest", "options": {"num_predict": 30, "seed": 1}, **body}
    return httpx2.post(f"{served.url}{path}", json=body, timeout=120)


def test_generate_keeps_to_the_format(served):
    answer = post(served, "/api/generate", prompt="How old?", format=SCHEMA, stream=False).json()
    assert 0 <= json.loads(answer["response"])["age"] <= 130
    assert answer["done_reason"] == "stop"


def test_chat_comes_line_by_line(served):
    asked = [{"role": "user", "content": "How old?"}]
    lines = post(served, "/api/chat", messages=asked, format=SCHEMA).text.splitlines()
    told = [json.loads(line) for line in lines]
    text = "".join(line["message"]["content"] for line in told)
    assert 0 <= json.loads(text)["age"] <= 130
    assert [line["done"] for line in told] == [False] * (len(told) - 1) + [True]
    assert len(told) > 3


def test_text_that_is_cut_says_so(served):
    answer = post(
        served, "/api/generate", prompt="Once", raw=True, stream=False, options={"num_predict": 2}
    ).json()
    assert answer["done_reason"] == "length"


def test_what_is_wrong_is_said(served):
    answer = post(served, "/api/generate", prompt="x", format={"type": "strin"}, stream=False)
    assert answer.status_code == 400
    assert "strin" in answer.json()["error"]


def test_json_need_not_be_said_to_be_json(served_ngram):
    body = {"raw": True, "prompt": "a", "stream": False, "options": {"num_predict": 2}}
    answer = httpx2.post(f"{served_ngram.url}/api/generate", content=json.dumps(body).encode())
    assert answer.status_code == 200
    # A page in a browser could send this to a server on loopback unasked.
    kind = {"Content-Type": "text/plain"}
    answer = httpx2.post(f"{served_ngram.url}/api/generate", content=json.dumps(body), headers=kind)
    assert answer.status_code == 400


def test_the_model_is_loaded(served_ngram):
    (model,) = httpx2.get(f"{served_ngram.url}/api/ps").json()["models"]
    assert model["model"] == served_ngram.engine.name
