"""A model behind a server: our own on loopback, and ones that answer badly."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from running_server import Served, serving
from typer.testing import CliRunner

import condit
from condit import NgramModel, RemoteModel
from condit.cli import app
from condit.errors import ArgumentError, ModelError, RejectedError
from condit.report import Guarantee
from condit.testing.laws import p_values_of_means
from condit.testing.worlds import World

CONSTRAINT = condit.regex("(ab|ba|c)+")


@pytest.fixture(scope="module")
def served_letters(letters: NgramModel) -> Iterator[Served]:
    with serving(letters) as server:
        yield server


@pytest.fixture(scope="module")
def remote(served_letters: Served, letters: NgramModel) -> RemoteModel:
    return RemoteModel(f"{served_letters.url}/v1", letters.name)


@pytest.fixture(scope="module")
def truth(letters: NgramModel) -> dict[str, float]:
    """The mass of each valid text."""
    masses: dict[str, float] = {}
    for tokens, mass in World(letters, CONSTRAINT, "ab", 4).probabilities.items():
        text = letters.decode(tokens)
        masses[text] = masses.get(text, 0.0) + mass
    return masses


@pytest.mark.parametrize("sampler", ["auto", "rejection"])
def test_draws_are_exact(remote: RemoteModel, truth: dict[str, float], sampler: str) -> None:
    n, evidence = 400, math.fsum(truth.values())
    assert 0.05 < evidence < 0.9
    result = condit.generate(remote, "ab", CONSTRAINT, n=n, max_tokens=4, sampler=sampler, seed=3)
    texts = sorted(truth)
    values = np.zeros((n, len(texts)))
    for row, sample in enumerate(result.samples):
        values[row, texts.index(sample.text)] = 1
    means = np.array([truth[text] / evidence for text in texts])
    assert p_values_of_means(values, means).min() * len(texts) > 1e-6
    # Five standard errors.
    error = math.sqrt((1 - evidence) / n)
    assert result.log_evidence == pytest.approx(math.log(evidence), abs=5 * error)
    assert result.report.guarantee is Guarantee.EXACT
    again = condit.generate(remote, "ab", CONSTRAINT, n=n, max_tokens=4, seed=3)
    assert [sample.text for sample in again.samples] == [sample.text for sample in result.samples]


def test_a_preference_weighs_the_draws(remote: RemoteModel, truth: dict[str, float]) -> None:
    prefer = condit.prefer(lambda text: -len(text), strength=1)
    result = condit.generate(remote, "ab", CONSTRAINT, n=400, max_tokens=4, prefer=prefer, seed=0)
    evidence = math.fsum(mass * math.exp(-len(text)) for text, mass in truth.items())
    assert result.log_evidence == pytest.approx(math.log(evidence), abs=0.35)
    for sample in result.samples:
        assert sample.log_preference == -len(sample.text)


@pytest.mark.parametrize("preferred", [True, False])
def test_the_best_of_several(remote: RemoteModel, preferred: bool) -> None:
    prefer = condit.prefer(lambda text: -len(text), strength=1) if preferred else None
    result = condit.generate(
        remote,
        "ab",
        CONSTRAINT,
        n=10,
        max_tokens=4,
        prefer=prefer,
        sampler=condit.BestOf(of=12),
        seed=0,
    )
    valid = [sample for sample in result.samples if sample.valid]
    assert len(valid) > 6
    assert all(CONSTRAINT.accepts(sample.text) for sample in valid)
    if preferred:
        plain = condit.generate(remote, "ab", CONSTRAINT, n=60, max_tokens=4, seed=0)
        usual = np.mean([len(sample.text) for sample in plain.samples])
        assert np.mean([len(sample.text) for sample in valid]) < usual


def test_without_a_constraint_texts_may_be_cut(remote: RemoteModel, letters: NgramModel) -> None:
    result = condit.generate(remote, "ab", n=40, max_tokens=2, seed=0)
    assert {sample.finish_reason for sample in result.samples} == {"stop", "length"}
    assert result.log_evidence == pytest.approx(0)


def test_it_scores_texts(remote: RemoteModel, letters: NgramModel) -> None:
    told = remote.log_probability("ab", "cc")
    rows = letters.reader(letters.encode("ab")).read([(), (2,)])
    expected = sum(float(row[2] - np.logaddexp.reduce(row)) for row in rows)
    assert letters.encode("cc") == [2, 2]
    assert told == pytest.approx(expected, abs=1e-4)
    assert remote.log_probability("ab", "") == 0
    with pytest.raises(ModelError, match="no token begins where the text begins"):
        remote.log_probability("a", "bc")


@pytest.mark.parametrize(
    "sampler", ["masked", "awrs", "smc", "exact", "mcmc", "beam", "asap", "learned"]
)
def test_samplers_that_need_logits_say_so(remote: RemoteModel, sampler: str) -> None:
    with pytest.raises(ArgumentError, match="gives whole texts: use rejection"):
        condit.generate(remote, "ab", CONSTRAINT, sampler=sampler)


def test_what_else_cannot_be_done_there(remote: RemoteModel) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"temperature": 0}, "temperature"),
        ({"logit_bias": {1: 2.0}}, "are not known here"),
        ({"heal": True}, "are not known here"),
        ({"insert": lambda _: None}, "cannot put text in"),
        ({"constraint": None, "stop": "c"}, "cannot end texts at a word"),
        ({"sampler": condit.Rejection(prompt="c")}, "needs a proposal"),
        ({"prompt": [{"role": "user", "content": "ab"}]}, "chat template"),
        ({"constraint": None, "sampler": "best_of"}, "nothing to be best by"),
    ]
    for options, message in refused:
        with pytest.raises(ArgumentError, match=message):
            condit.generate(
                **{"model": remote, "prompt": "ab", "constraint": CONSTRAINT, **options}
            )
    with pytest.raises(RejectedError):
        condit.generate(
            remote, "ab", condit.regex("x+"), sampler=condit.Rejection(attempts=5), max_tokens=3
        )


def test_by_name_and_on_the_shell(served_letters: Served, letters: NgramModel) -> None:
    name = f"openai:{served_letters.url}/v1#{letters.name}"
    assert condit.generate(name, "ab", CONSTRAINT, max_tokens=4, seed=0).best.valid
    asked = ["generate", "-m", name, "-p", "ab", "--regex", "(ab|ba|c)+", "--max-tokens", "4"]
    answer = CliRunner().invoke(app, [*asked, "--seed", "0", "--output", "text"])
    assert answer.exit_code == 0, answer.output
    assert CONSTRAINT.accepts(answer.stdout.strip())
    for wrong in ("openai:http://127.0.0.1:1/v1", "openai:ftp://there/v1#m", "openai:#m"):
        with pytest.raises(ArgumentError):
            condit.generate(wrong, "ab")
    for options in ({"timeout": 0}, {"retries": -1}):
        with pytest.raises(ArgumentError):
            RemoteModel("http://127.0.0.1:1/v1", "m", **options)


def test_a_wrong_name_is_told_in_the_servers_words(served_letters: Served) -> None:
    with pytest.raises(ModelError, match=r"status 404: .*nobody"):
        condit.generate(RemoteModel(f"{served_letters.url}/v1", "nobody"), "ab")


SENT: list[dict[str, Any]] = []
"""Every body that a server of ``answering`` was sent."""


@contextmanager
def answering(*answers: tuple[int, str | None]) -> Iterator[tuple[str, list[str | None]]]:
    """A server with these answers (``None``: it hangs up), and the keys it was sent."""
    left, keys = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            SENT.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            keys.append(self.headers["Authorization"])
            status, text = left.pop(0) if len(left) > 1 else left[0]
            if status == 0:
                silent.wait(5)
            if text is None or status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Retry-After", "0")
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    silent = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # so that closing it waits for them
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", keys
    finally:
        silent.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


GOOD = json.dumps({"choices": [{"text": "c", "finish_reason": "stop"}]})


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        (200, "no json", "not JSON"),
        (200, "[]", "has no choices"),
        (200, '{"choices": []}', "1 texts were asked for, and it gave 0"),
        (200, '{"choices": [{}]}', "has no text"),
        (500, '{"error": {"message": "out of memory"}}', "status 500: out of memory"),
        (307, "elsewhere", "status 307"),
        (503, "busy", "status 503: busy"),
        (200, None, "cannot be reached"),
        (0, None, "no answer within 0.3 seconds"),
    ],
)
def test_faults_of_servers_are_typed(status: int, text: str | None, message: str) -> None:
    with answering((status, text)) as (url, _):
        model = RemoteModel(url, "m", timeout=0.3, retries=1 if status != 200 else 0)
        with pytest.raises(ModelError, match=message) as caught:
            model.draw("ab", 1, max_tokens=4)
    assert url.rpartition("/")[0] in str(caught.value)


def test_a_busy_server_is_asked_again_with_the_key() -> None:
    with answering((503, "busy"), (429, "wait"), (200, GOOD)) as (url, keys):
        (drawn,) = RemoteModel(url, "m", api_key="secret").draw("ab", 1, max_tokens=4)
        with pytest.raises(ModelError, match="scores no prompts"):
            RemoteModel(url, "m").log_probability("ab", "c")
    assert (drawn.text, drawn.ended, drawn.tokens) == ("c", True, 0)
    assert math.isnan(drawn.log_probability)
    assert keys == ["Bearer secret"] * 3 + [None]


def test_settings_of_the_server_are_made_neutral() -> None:
    told = {"content": [{"logprob": -0.5}, {"logprob": -1.0}]}
    choices = [{"text": "cc", "finish_reason": "length", "logprobs": told}]
    with answering((200, json.dumps({"choices": choices}))) as (url, _):
        bodies: list[dict[str, Any]] = []
        for options in ({}, {"settings": {}}):
            model = RemoteModel(url, "m", **options)
            (drawn,) = model.draw("ab", 1, max_tokens=4, top_k=None, seed=1)
            assert (drawn.log_probability, drawn.tokens, drawn.ended) == (-1.5, 2, False)
            bodies.append(SENT[-1])
    assert (bodies[0]["top_k"], bodies[0]["min_p"], bodies[0]["repetition_penalty"]) == (-1, 0, 1)
    assert not {"top_k", "min_p", "repetition_penalty"} & set(bodies[1])
    assert bodies[1]["seed"] == 1


def test_nobody_there() -> None:
    with pytest.raises(ModelError, match="cannot be reached"):
        RemoteModel("http://127.0.0.1:9/v1", "m", retries=0).draw("ab", 1, max_tokens=4)
