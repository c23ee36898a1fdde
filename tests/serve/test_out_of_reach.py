"""What no request reaches: files, networks, other models, other requests' logs, web pages."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from typing import Any

import httpx2
import pytest

import condit
from condit.prefer import likelihood as judge
from condit.serve.compiler import Compiler
from condit.serve.logs import JsonLines
from condit.serve.request_errors import RequestError
from condit.serve.specification import Specification

SECRET = "xyzzysecret"
ASK: dict[str, Any] = {"prompt": "a", "max_tokens": 4}


@pytest.fixture(scope="module")
def listener():
    """An address where nobody should come by, and who did."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        came: list[object] = []

        def accept() -> None:
            try:
                while True:
                    came.append(server.accept()[1])
            except OSError:
                pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x", came
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def post(url: str, body: dict[str, Any], path: str = "/v1/completions", **options: Any) -> Any:
    return httpx2.post(f"{url}{path}", json=body, timeout=30, **options)


def reaching(address: str) -> list[dict[str, Any]]:
    """Constraints that would read what is at an address."""
    return [
        {"json_schema": {"$ref": address}},
        {"json_schema": {"$id": address, "$ref": "other.json"}},
        {"json_schema": {"$schema": address, "type": "string"}},
        {"json_schema": {"$dynamicRef": address}},
        {"json_schema": {"allOf": [{"properties": {"a": {"$ref": f"{address}#/$defs/a"}}}]}},
        {"json_schema": address},
        {"lark": f'start: %json {{"$ref": "{address}"}}'},
        {"xml": f'<!DOCTYPE x [<!ENTITY a SYSTEM "{address}">]><x>&a;</x>'},
        {"then": ["a", ["json_schema", {"$ref": address}]]},
    ]


@pytest.mark.parametrize("number", range(len(reaching(""))))
def test_no_constraint_reads_a_file_or_an_address(served_ngram, tmp_path, listener, number):
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"const": SECRET, "$defs": {"a": {"const": SECRET}}}))
    address, came = listener
    for where in (file.as_uri(), str(file), address):
        constraint = reaching(where)[number]
        answer = post(served_ngram.url, {**ASK, "condit": {"constraint": constraint}})
        assert answer.status_code == 400, answer.text
        assert SECRET not in answer.text
    assert not came


@pytest.mark.parametrize("way", [".secrets (WORD)", ".secrets.WORD", ".WORD -> WORD"])
def test_no_grammar_imports_a_file(served_ngram, tmp_path, monkeypatch, way):
    import __main__

    for name in ("secrets", "WORD"):
        (tmp_path / f"{name}.lark").write_text(f'WORD: "{SECRET}"')
    monkeypatch.setattr(__main__, "__file__", str(tmp_path / "main.py"), raising=False)
    monkeypatch.chdir(tmp_path)
    for kind in ("lark", "grammar"):
        constraint = {kind: f"%import {way}\nstart: WORD"}
        answer = post(served_ngram.url, {**ASK, "condit": {"constraint": constraint}})
        assert answer.status_code == 400
        assert SECRET not in answer.text


@pytest.mark.parametrize(
    "name",
    ["where", "python", "file", "path", "plugin", "os:getcwd", "user_function", "__import__"],
)
@pytest.mark.parametrize("value", ["os.getcwd()", "/etc/passwd", {"a": "lambda x: True"}])
def test_no_code_runs_for_a_constraint(served_ngram, name, value):
    for own in ({"constraint": {name: value}}, {"sampler": name}, {"prefer": {name: str(value)}}):
        answer = post(served_ngram.url, {**ASK, "condit": own})
        assert answer.status_code == 400, answer.text


def test_no_image_is_fetched(served_ngram, listener):
    address, came = listener
    parts = [
        {"type": "image_url", "image_url": {"url": address}},
        {"type": "input_image", "image_url": address},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "file", "file": {"file_id": "/etc/passwd"}},
    ]
    for part in parts:
        messages = [{"role": "user", "content": [part]}]
        for path, body in (
            ("/v1/chat/completions", {"messages": messages}),
            ("/v1/responses", {"input": messages}),
            ("/v1/messages", {"messages": messages, "max_tokens": 2}),
        ):
            assert post(served_ngram.url, body, path).status_code == 400
    chat = [{"role": "user", "content": "a", "images": [address]}]
    assert post(served_ngram.url, {"messages": chat}, "/api/chat").status_code == 400
    assert not came


def test_likelihood_judges_by_the_model_that_is_served(served_ngram, monkeypatch):
    monkeypatch.setattr(judge, "load", _fails)
    own = {"prefer": {"likelihood": "x"}, "sampler": "smc", "n_lanes": 4}
    answer = post(served_ngram.url, {**ASK, "condit": {**own, "constraint": {"regex": "[a-c]{4}"}}})
    assert answer.status_code == 200, answer.text
    samples = answer.json()["condit"]["samples"]
    ngram = condit.load("ngram")
    again = condit.generate(
        ngram,
        "a",
        condit.regex("[a-c]{4}"),
        n=4,
        max_tokens=4,
        seed=int(answer.json()["condit"]["seed"]),
        sampler="smc",
        prefer=condit.prefer(condit.likelihood(ngram, "x"), 1.0),
    )
    assert [each["text"] for each in samples] == [each.text for each in again.samples]


@pytest.mark.parametrize("prompts", [False, True])
def test_logs_hold_prompts_only_where_they_are_wanted(serve, caplog, prompts):
    caplog.set_level(logging.DEBUG)
    schema = {"type": SECRET}
    with serve(condit.load("ngram"), log_prompts=prompts, api_keys=(f"k{SECRET}",)) as server:
        headers = {"Authorization": f"Bearer k{SECRET}"}
        ask = {**ASK, "prompt": SECRET, "max_tokens": 2}
        for body in (
            ask,
            {**ask, "stream": True},
            {**ask, "stop": [SECRET]},
            {**ask, "logit_bias": {SECRET: 1}},
            {**ask, "model": SECRET},
            {**ask, "json_schema": schema},
            {**ask, "condit": {"constraint": {"choice": {SECRET: SECRET}}}},
            {**ask, "condit": {"constraint": {"then": [[SECRET]]}}},
            {**ask, "condit": {"constraint": {SECRET: SECRET}}},
        ):
            post(server.url, body, headers=headers)
        post(server.url, ask, f"/{SECRET}?{SECRET}={SECRET}", headers=headers)
        post(server.url, ask, headers={"Authorization": f"Bearer {SECRET}"})
        server.engine.model.encode_prompt = _fails
        assert post(server.url, ask, headers=headers).status_code == 500
    lines = [JsonLines(prompts).format(record) for record in caplog.records if _ours(record)]
    assert len(lines) >= 12
    assert all(json.loads(line)["level"] for line in lines)
    assert any("drawing failed" in line for line in lines)
    assert any(SECRET in line for line in lines) == prompts
    assert not any(f"k{SECRET}" in line for line in lines)


def _ours(record: logging.LogRecord) -> bool:
    return record.name.startswith(("condit", "uvicorn", "fastapi", "asyncio"))


def _fails(prompt: object) -> list[int]:
    raise RuntimeError(f"failed with {prompt}")


@pytest.mark.parametrize("origins", [(), ("http://good.example",)])
def test_web_pages_may_ask_from_named_origins_alone(serve, origins):
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    with serve(condit.load("ngram"), cors_origins=origins, api_keys=("key",)) as server:
        for origin in ("http://good.example", "http://bad.example", "null"):
            for method, more in (("OPTIONS", asks), ("POST", {"X-Api-Key": "key"}), ("POST", {})):
                headers = {"Origin": origin, **more}
                url = f"{server.url}/v1/completions"
                answer = httpx2.request(method, url, headers=headers, json=ASK, timeout=30)
                allowed = answer.headers.get("access-control-allow-origin")
                assert (allowed == origin) == (origin in origins)
                assert origin in origins or allowed is None


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
@pytest.mark.parametrize("path", ["/v1/completions", "/api/generate"])
def test_web_pages_cannot_ask_by_what_a_browser_sends_unasked(served_ngram, path, kind):
    # Of another type the browser asks first (OPTIONS), and is told no.
    headers = {} if kind is None else {"Content-Type": kind}
    body = json.dumps({"model": served_ngram.engine.name, **ASK, "stream": False}).encode()
    url = f"{served_ngram.url}{path}"
    assert httpx2.post(url, content=body, headers=headers).status_code == 400
    headers = {"Content-Type": "application/json"}
    assert httpx2.post(url, content=body, headers=headers, timeout=30).status_code in (200, 400)
    assert httpx2.request("OPTIONS", url).status_code == 405


def test_a_web_page_cannot_have_its_name_stand_for_this_machine(serve):
    with serve(condit.load("ngram"), allowed_hosts=("Proxy.example",)) as server:
        for host, status in (
            ("evil.example:8000", 403),
            ("localhost.evil.example", 403),
            ("127.0.0.1.evil.example", 403),
            ("proxy.example:8000", 200),
            ("localhost:9", 200),
            ("a.localhost", 200),
            ("[::1]:8000", 200),
            ("192.0.2.1", 200),
            ("", 200),
        ):
            answer = httpx2.get(f"{server.url}/v1/models", headers={"Host": host})
            assert answer.status_code == status, host


def test_a_refused_constraint_is_remembered_without_its_request():
    compiler = Compiler(
        condit.load("ngram").vocabulary,
        deadline=1,
        workers=0,
        most=9,
        queue=9,
        log_prompts=False,
    )

    async def refuse() -> None:
        for text in ("a(", "a(", "(" + "a" * 20_000):
            with pytest.raises(RequestError):
                await compiler.constraint(Specification.of("regex", text, "x"))

    asyncio.run(refuse())
    compiler.close()
    (remembered,) = compiler._refused.values()
    assert remembered.__traceback__ is None


def test_keys_are_compared_in_constant_time(serve, monkeypatch):
    import hmac

    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(given: bytes, key: bytes) -> bool:
        compared.append((given, key))
        return real(given, key)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    with serve(condit.load("ngram"), api_keys=("one", "two", "three")) as server:
        for key in ("one", "three", "none", "o", "é"):
            compared.clear()
            headers = {"Authorization": f"Bearer {key}".encode()}
            answer = post(server.url, ASK, headers=headers)
            assert answer.status_code == (200 if key in ("one", "three") else 401)
            # No key is left out, whichever was right.
            assert [each for _, each in compared] == [b"one", b"two", b"three"]
