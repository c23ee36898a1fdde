"""The plugin as llm finds it: in Python, and on the shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import llm
import pytest

TICKET = {
    "type": "object",
    "properties": {"open": {"type": "boolean"}, "level": {"enum": [1, 2, 3]}},
    "required": ["open", "level"],
    "additionalProperties": False,
}


def test_every_model_of_condit_is_there() -> None:
    names = {model.model_id for model in llm.get_models()}
    assert {"condit", "condit-ngram", "condit-smollm2"} <= names


def test_answers_match_and_have_weights() -> None:
    model = llm.get_model("condit-ngram")
    answer = model.prompt("How many? ", regex="[0-9]{1,3}", seed=1, lanes=4)
    assert answer.text().isdigit()
    told = answer.response_json
    assert told["seed"] == 1
    assert told["log_evidence"] < 0
    assert answer.usage().output == len(answer.text())  # its tokens are characters
    assert model.prompt("How many? ", regex="[0-9]{1,3}", seed=1, lanes=4).text() == answer.text()


def test_schemas_constraints_and_greedy_texts() -> None:
    model = llm.get_model("condit-ngram")
    told = json.loads(model.prompt("A ticket: ", schema=TICKET, seed=0).text())
    assert set(told) == {"open", "level"}
    both = {"regex": "[0-9]+", "constraint": "integer(50, 60)"}
    assert 50 <= int(model.prompt("A number: ", seed=0, **both).text()) <= 60
    greedy = model.prompt("A number: ", temperature=0, regex="[0-9]{2}")
    assert len(greedy.text()) == 2
    assert greedy.response_json["log_evidence"] is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("condit-ngram", {"regex": "("}, "regex"),
        ("condit-ngram", {"regex": "[0-9]{90}", "max_tokens": 5}, "max_tokens"),
        ("condit-ngram", {"sampler": "mask"}, "masked"),
        ("condit-ngram", {"model": "ngram"}, "is a model already"),
        ("condit-ngram", {"system": "Be brief."}, "chat template"),
        ("condit", {}, "which model"),
    ],
)
def test_what_cannot_be_done_is_an_error_of_llm(name: str, options: dict, message: str) -> None:
    with pytest.raises(llm.ModelError, match=message):
        llm.get_model(name).prompt("A number: ", **options).text()


def test_the_embedded_model_on_the_shell(tmp_path: Path) -> None:
    environment = {**os.environ, "LLM_USER_PATH": str(tmp_path)}
    llm_command = [sys.executable, "-m", "llm", "-m", "condit-smollm2", "-o", "max_tokens", "40"]
    asked = [*llm_command, "--schema", json.dumps(TICKET), "My printer burns!", "-o", "seed", "1"]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"open", "level"}
    more = [*llm_command, "-c", "And now?", "-o", "regex", "yes|no"]
    done = subprocess.run(more, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("yes", "no")
    wrong = [*llm_command, "x", "-o", "regex", "("]
    done = subprocess.run(wrong, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
