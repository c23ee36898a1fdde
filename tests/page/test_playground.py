"""The playground: its routes on a server that runs, and its page in a browser."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import uvicorn
from watching import Watched

import condit
from condit.page.routes import viewer
from condit.playground.checking import place_of
from condit.playground.routes import add_playground
from condit.serve.app import create_app
from condit.serve.settings import ServeSettings


def _running(app: object) -> tuple[uvicorn.Server, threading.Thread, str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    return server, thread, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server with a playground."""
    app = create_app(condit.load("ngram"), ServeSettings(compile_workers=0))
    add_playground(app)
    server, thread, address = _running(app)
    yield f"{address}/ui/"
    server.should_exit = True
    thread.join(30)


@pytest.mark.parametrize(
    ("kind", "text", "at"),
    [
        ("regex", "a(b", ""),
        ("json_schema", "{", ""),
        ("json_schema", "", ""),
        ("json_schema", '{"properties": {"a": {"type": "strin"}}}', '"strin"'),
        ("json_schema", '{"type": "string", "pattern": "a("}', '"a("'),
        ("lark", 'start: "a" ~\nb: /x/', "\n"),
        ("gbnf", 'root ::= "a" | foo', "foo"),
        ("expression", "integer(0, 130) | intger(3)", "intger"),
        ("expression", 'file("/etc/passwd")', "file"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(kind: str, text: str, at: str, url: str) -> None:
    said = httpx2.post(f"{url}check", json={"kind": kind, "text": text}).json()
    assert said["ok"] is False
    assert said["message"]
    assert text[said["position"] :].startswith(at)


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("json_schema", '{"type": "integer", "minimum": 3}', "minimum"),
        ("regex", "[0-9]+", "regex"),
        ("choice", "a\nb", "choice"),
        ("choice", "a\x0bb\u2028c", "choice"),
        ("expression", 'integer(0, 9) | "none"', "one of several"),
        ("none", "whatever", ""),
    ],
)
def test_what_is_right_has_a_plan(kind: str, text: str, part: str, url: str) -> None:
    said = httpx2.post(f"{url}check", json={"kind": kind, "text": text}).json()
    assert said["ok"] is True
    assert part in json.dumps(said["plan"]["rows"])


@pytest.mark.parametrize(
    ("text", "pointer", "value"),
    [
        ('{"a": [1, {"b/c": {"~": true}}]}', "/a/1/b~1c/~0", "true"),
        ('{ "x" : 0 , "a" : [ [ ] , "y" ] }', "/a/1", '"y"'),
        ('{"a": 1, "": {"b": 2}}', "//b", "2"),
        ('{"a": 1}', "", '{"a"'),
        ('{"a": 1}', "/b", None),
        ('{"a": [1]}', "/a/7", None),
        ('{"a": 1}', "/a/b", None),
    ],
)
def test_pointers_are_found_in_json(text: str, pointer: str, value: str | None) -> None:
    at = place_of(text, pointer)
    assert at is None if value is None else text[at:].startswith(value)


@pytest.mark.parametrize("seed", [1, 2**64 + 1])
def test_draws_are_lines_of_a_trace(seed: int, url: str, tmp_path: Path) -> None:
    request = {"prompt": "The answer is ", "n": 3, "seed": seed, "max_tokens": 10}
    wanted = {"kind": "regex", "text": "(yes|no)( please)?"}
    answer = httpx2.post(f"{url}draw", json={**request, "constraint": wanted, "sampler": "smc"})
    (tmp_path / "run.jsonl").write_bytes(answer.content)
    run = condit.trace.read(tmp_path / "run.jsonl")
    assert not run.problems
    same = condit.generate(
        condit.load("ngram"),
        "The answer is ",
        condit.regex(wanted["text"]),
        n=3,
        seed=seed,
        max_tokens=10,
        sampler="smc",
    )
    assert run.result is not None
    assert [each["text"] for each in run.result["samples"]] == [each.text for each in same.samples]
    lasts = [each["draw"] for each in run.result["samples"]]
    assert len(set(lasts)) == len(lasts)
    assert run.alternatives


def test_a_run_that_fails_says_so_in_its_last_line(url: str) -> None:
    request = {"prompt": "x", "constraint": {"kind": "regex", "text": "a{90}b"}, "max_tokens": 95}
    answer = httpx2.post(f"{url}draw", json={**request, "sampler": "rejection", "n": 1})
    last = json.loads(answer.text.splitlines()[-1])
    assert last["error"]["type"] == "RejectedError"


def test_what_cannot_be_asked_is_refused(url: str) -> None:
    for change in (
        {"n": 0},
        {"n": 1000},
        {"sampler": "nobody"},
        {"constraint": {"kind": "json_schema", "text": "{"}},
        {"constraint": {"kind": "quote", "text": "/etc/passwd"}},
        {"max_tokens": "many"},
    ):
        answer = httpx2.post(f"{url}draw", json={"prompt": "x", **change})
        assert answer.status_code == 400, change
        assert answer.json()["error"]["message"]


def test_numbers_that_are_too_long_are_refused(url: str) -> None:
    said = httpx2.post(f"{url}check", json={"kind": "json_schema", "text": "9" * 5000}).json()
    assert said["ok"] is False


@pytest.mark.parametrize("name", ["", "read.js", "page.css", "vendor/uPlot.js"])
def test_files_of_the_page(name: str, url: str) -> None:
    answer = httpx2.get(url + name)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["../files.py", "..%2ffiles.py", "static/read.js", "%2e%2e/__init__.py", "/etc/passwd"]
)
def test_no_path_of_a_request_reaches_the_disk(name: str, url: str) -> None:
    assert httpx2.get(url + name).status_code == 404


def test_a_key_is_asked_of_draws_and_not_of_the_page() -> None:
    app = create_app(condit.load("ngram"), ServeSettings(compile_workers=0, api_keys=("secret",)))
    add_playground(app)
    server, thread, address = _running(app)
    try:
        assert httpx2.get(f"{address}/ui", follow_redirects=True).status_code == 200
        assert httpx2.post(f"{address}/ui/draw", json={"prompt": "x"}).status_code == 401
        assert httpx2.post(f"{address}/ui/check", json={}).status_code == 401
        key = {"Authorization": "Bearer secret"}
        assert httpx2.post(f"{address}/ui/check", json={}, headers=key).status_code == 200
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.mark.parametrize("kind", ["text/plain", None])
@pytest.mark.parametrize("path", ["check", "draw"])
def test_other_web_pages_cannot_ask(path: str, kind: str | None, url: str) -> None:
    body = json.dumps({"prompt": "x", "max_tokens": 1} if path == "draw" else {"text": "x"})
    headers = {} if kind is None else {"Content-Type": kind}
    assert httpx2.post(url + path, content=body.encode(), headers=headers).status_code == 400


def test_methods_and_paths_that_there_are_not(url: str) -> None:
    for method, path, status in (
        ("GET", "check", 405),
        ("GET", "draw", 405),
        ("POST", "read.js", 405),
        ("POST", "options.json", 405),
        ("GET", "nothing.js", 404),
    ):
        assert httpx2.request(method, url + path).status_code == status, path


def test_what_is_told_of_long_texts_is_short(url: str) -> None:
    long = {"kind": "regex", "text": "(" + "a" * 50_000}
    said = httpx2.post(f"{url}check", json=long).json()
    assert len(said["message"]) < 1100
    assert said["message"].endswith("at character 50001")
    long = {"kind": "regex", "text": "a" * (2**20 + 1)}
    assert httpx2.post(f"{url}check", json=long).status_code == 400


def test_it_checks_draws_and_shows(url: str, watched: Watched) -> None:
    page = watched.page
    page.goto(url)
    page.wait_for_selector(".plan")
    page.get_by_label("Example").select_option("A number, or unknown")
    editor = page.get_by_label("The constraint", exact=True).locator("textarea")
    editor.fill("integer(0, 9) |\n  intger(3)")
    page.wait_for_selector(".fault")
    assert page.locator(".fault").inner_text() == "i"
    assert page.get_by_role("button", name="Draw").is_disabled()
    editor.fill('integer(0, 9) |\n  "unknown"')
    page.wait_for_selector(".plan")
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Draw").click()
    page.wait_for_selector(".samples")
    texts = page.locator(".samples bdi").all_inner_texts()
    assert all(re.fullmatch("[0-9]|unknown", text) for text in texts)
    page.locator(".text .token").first.click()
    page.wait_for_selector(".alternatives")
    own = url.rsplit("/ui/", 1)[0]
    assert all(asked.startswith((own, "data:")) for asked in watched.requests)


def test_the_form_of_a_schema_loses_nothing(url: str, watched: Watched) -> None:
    page = watched.page
    page.goto(url)
    page.wait_for_selector(".plan")
    editor = page.get_by_label("The constraint", exact=True).locator("textarea")
    page.get_by_label("as a form").check()
    for more in ('{"type": "toString", "minimum": 1}', '{"enum": ["a, b"]}', "[]"):
        editor.fill('{"type": "object", "properties": {"a": ' + more + "}}")
        page.get_by_text("This schema says more").wait_for()
    for other in (
        '{"type": "object", "properties": {"2": {"type": "string"}}}',
        "[1]",
        "null",
        '"x"',
        "true",
    ):
        editor.fill(other)
        page.get_by_text("This schema says more").wait_for()
    editor.fill('{"title": "T", "type": "object", "properties": {"__proto__": {"type": "string"}}}')
    page.get_by_role("button", name="Add a field").click()
    made = json.loads(editor.input_value())
    assert list(made["properties"]) == ["__proto__", "field"]
    assert made["title"] == "T"
    assert "additionalProperties" not in made


def test_fields_show_what_is_drawn_with(url: str, watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.set_viewport_size({"width": 320, "height": 900})
    page.goto(url)
    page.wait_for_selector(".plan")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("select:has(option[value=gbnf])").select_option("expression")
    editor = page.get_by_label("The constraint", exact=True).locator("textarea")
    editor.fill('"\U0001f600\U0001f600" | intger(3)')
    assert page.locator(".fault").inner_text() == "i"
    editor.fill('"a" | "\U0001f600"')
    page.wait_for_selector(".plan")
    for label, typed, kept in (("Lanes", "0", "4"), ("Lanes", "1.5", "4"), ("Seed", "-5e", "5")):
        page.get_by_label(label).fill(typed)
        page.get_by_label(label).blur()
        assert page.get_by_label(label).input_value() == kept
    page.get_by_role("button", name="Draw").dblclick()  # the second click does not stop it
    page.get_by_text("Drawn", exact=True).wait_for()
    run = tmp_path / "run.jsonl.gz"
    run.write_bytes(gzip.compress(b'{"kind": "run", "format": "condit-trace", "version": 2}'))
    page.get_by_label("Open a run").set_input_files(run)
    assert page.locator("article h1").inner_text() == "run.jsonl.gz"
    page.get_by_label("API key").fill("\u043a")
    page.get_by_text("characters that no key has").wait_for()


def test_long_seeds_are_kept_and_no_line_ends_the_copied_file(url: str, watched: Watched) -> None:
    page = watched.page
    page.goto(url)
    page.wait_for_selector(".plan")
    seed = "50850317865939063565323280330591251434"
    page.get_by_label("Seed").fill(seed)
    page.locator("select:has(option[value=gbnf])").select_option("lark")
    editor = page.get_by_label("The constraint", exact=True).locator("textarea")
    editor.fill('start: "a"\nEND\n: "it\'s"')
    page.get_by_role("button", name="shell", exact=True).click()
    copied = page.locator(".copy pre").inner_text()
    assert f"--seed {seed}" in copied
    assert "printf '%s\\n' 'start:" in copied
    editor.fill('start: "a"')
    with page.expect_response("**/draw") as answered:
        page.get_by_role("button", name="Draw").click()
    assert answered.value.ok
    assert f'"seed":"{seed}"' in str(answered.value.request.post_data)
    page.wait_for_selector(".samples")


def test_what_is_copied_runs(url: str, watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.goto(url)
    page.wait_for_selector(".plan")
    page.get_by_label("Example").select_option("A sentiment")
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Lanes").fill("1")
    page.get_by_label("Most tokens").fill("12")
    made = {}
    for name in ("Python", "curl", "shell"):
        page.get_by_role("button", name=name, exact=True).click()
        page.get_by_role("status").filter(has_text=f"as {name}").wait_for()
        made[name] = page.locator(".copy pre").inner_text()
    program = subprocess.run(
        [sys.executable, "-c", made["Python"]], capture_output=True, text=True, check=True
    )
    assert any(word in program.stdout for word in ("positive", "neutral", "negative"))
    asked = ["bash", "-c", made["curl"].replace("curl ", "curl -sS ", 1)]
    answer = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    assert answer["choices"][0]["text"] in ("positive", "neutral", "negative")
    assert made["shell"].startswith("condit generate --model 'ngram'")
    assert "--sampler awrs" in made["shell"]  # the server's usual one for a single lane


def test_condit_view_serves_runs_to_this_machine_alone(tmp_path: Path, watched: Watched) -> None:
    run = tmp_path / "run.jsonl"
    result = condit.generate(
        condit.load("ngram"), "The answer is ", condit.regex("yes|no"), n=2, max_tokens=9, seed=1
    )
    result.save(run)
    server, thread, address = _running(viewer([run], hosts=["127.0.0.1"]))
    try:
        watched.open(address)
        assert watched.page.locator(".samples tbody tr").count() >= 1
        elsewhere = {"Host": "elsewhere.example"}
        assert httpx2.get(f"{address}/runs/0", headers=elsewhere).status_code == 400
        assert httpx2.get(f"{address}/runs/1").status_code == 404
        run.unlink()
        assert httpx2.get(f"{address}/runs/0").status_code == 410
    finally:
        server.should_exit = True
        thread.join(30)
