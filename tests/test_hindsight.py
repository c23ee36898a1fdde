"""What could have come in the place of draws: right about the model, and about the constraint."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import condit
from condit import trace
from condit.cli import app

VOCABULARY = condit.Vocabulary.of(["a", "b", "c", "ab", "bc"])
CONSTRAINT = condit.regex("(ab|ba|c){1,5}")
run = CliRunner().invoke


@pytest.fixture(scope="module")
def tiny() -> condit.NgramModel:
    return condit.NgramModel.train(["abcab", "cabba"], vocabulary=VOCABULARY, smoothing=2)


@pytest.fixture(scope="module")
def ngram() -> condit.NgramModel:
    return condit.load("ngram")


@pytest.mark.parametrize("sampler", ["smc", "mcmc", "beam", "rejection", "best_of"])
@pytest.mark.parametrize("law", [{}, {"temperature": 0.6, "top_k": 3, "logit_bias": {1: 1.5}}])
def test_masses_and_refusals_are_those_of_the_model_and_the_matcher(
    tiny: condit.NgramModel, sampler: str, law: dict[str, Any]
) -> None:
    """Against a walk of its own: no reader, no shared beginnings, one text after the other."""
    asked: dict[str, Any] = {"n": 3, "max_tokens": 60, "heal": False, "seed": 1, **law}
    result = condit.generate(tiny, "cca", CONSTRAINT, sampler=sampler, **asked)
    found = condit.alternatives(tiny, result)
    lines = [line for line in result.trace_lines() if line["kind"] == "draw"]
    assert [each.draw for each in found] == list(range(len(lines)))
    prompt = tiny.encode_prompt("cca")
    for each in found:
        number, tokens = lines[each.draw]["after"], []
        while number is not None:
            tokens.append(lines[number]["token"])
            number = lines[number]["after"]
        tokens.reverse()
        logits = np.array(tiny.reader(prompt).read([tuple(tokens)])[0][: len(VOCABULARY)], float)
        for token, added in law.get("logit_bias", {}).items():
            logits[token] += added
        logits /= law.get("temperature", 1.0)
        least = np.sort(logits)[-law.get("top_k", len(logits))]  # of equals all are kept
        total = np.logaddexp.reduce(logits[logits >= least])
        logs = {each: log - total for each, log in enumerate(logits.tolist()) if log >= least}
        matcher = CONSTRAINT.bind(VOCABULARY)
        for token in tokens:
            matcher.advance(token)
        for alternative in each.tokens:
            assert alternative.log_probability == pytest.approx(logs[alternative.token], abs=1e-4)
            assert (alternative.why is None) == matcher.allows(alternative.token)
            assert alternative.why is None or "here the text" in alternative.why
        assert {alternative.token for alternative in each.tokens} == set(logs)
        mass = math.fsum(math.exp(log) for token, log in logs.items() if matcher.allows(token))
        assert each.allowed_mass == pytest.approx(mass, abs=1e-5)
        assert each.unasked_mass == 0


AGE = {"type": "integer", "minimum": 3, "maximum": 40}


def no_b(text: str) -> str:
    """Letters b are not wanted."""
    return "no" if "b" in text else "yes"


@pytest.mark.parametrize(
    ("constraint", "field", "why"),
    [
        (
            condit.json_schema(
                {
                    "type": "object",
                    "properties": {"ages": {"type": "array", "items": AGE}},
                    "required": ["ages"],
                    "additionalProperties": False,
                }
            ),
            "ages[0]",
            "a digit",
        ),
        (condit.choice(["yes", "no"]), None, "continue with 'n' or 'y'"),
        (condit.grammar('start: "a" b\nb: "x" | "y" b'), None, "continue with 'x' or 'y'"),
        (condit.integer(10, 99), None, "a digit"),
        (condit.lexical.words(at_most=2), None, "at most 2 words"),
        (condit.where_prefix(no_b, of=condit.regex("[ab]{3}")), None, "no_b says that nothing"),
    ],
)
def test_refusals_are_told_in_the_words_of_the_constraint(
    ngram: condit.NgramModel, constraint: condit.Constraint, field: str | None, why: str
) -> None:
    result = condit.generate(ngram, "x", constraint, n=2, max_tokens=30, sampler="awrs", seed=2)
    found = condit.alternatives(ngram, result, most=20, top=200)
    assert field is None or field in {each.field for each in found}
    refused = [token.why or "" for each in found if each.field == field for token in each.tokens]
    assert any(why in said for said in refused)
    forms = {each.form for each in found if each.field == field}
    assert forms == ({"integer (3 to 40)"} if field else {None})


def test_what_is_left_out_and_what_is_given(tiny: condit.NgramModel) -> None:
    asked: dict[str, Any] = {"n": 4, "max_tokens": 6, "seed": 3}
    result = condit.generate(tiny, "cca", CONSTRAINT, sampler="rejection", **asked)
    few = condit.alternatives(tiny, result, most=3)
    lines = {line["draw"]: line for line in result.trace_lines() if line["kind"] == "draw"}
    assert max(lines[each.draw]["place"] for each in few) <= 2
    again = pickle.loads(pickle.dumps(result))
    assert condit.alternatives(tiny, again, CONSTRAINT, most=3) == few
    with pytest.raises(condit.ConditError, match="give it"):
        condit.alternatives(tiny, again)
    with pytest.raises(condit.ConditError, match="drawn by"):
        condit.alternatives(condit.load("ngram"), result)
    parts = {"": "ab", "abc": "c"}
    result = condit.generate(tiny, "cca", CONSTRAINT, sampler="masked", insert=parts.get, **asked)
    drawn = [each for info in result.trace for each in info.draws]
    found = condit.alternatives(tiny, result)
    assert [each.draw for each in found] == [i for i, each in enumerate(drawn) if not each.given]
    for each in found:
        allowed = math.log(each.allowed_mass)
        assert allowed == pytest.approx(drawn[each.draw].log_allowed, abs=1e-4)


def test_the_command_line_writes_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    small = ["generate", "-m", "ngram", "-p", "x", "--seed", "0", "--trace", str(path)]
    done = run(app, [*small, "--choice", "yes", "--choice", "no", "-n", "3"])
    assert done.exit_code == 0
    assert done.stderr == ""
    read = trace.read(path)
    assert not read.problems
    assert read.result is not None
    assert len(read.result["samples"]) == 3
    assert set(read.alternatives) == set(read.draws)
    schema = condit.json_schema(trace.SCHEMA)
    assert schema.accepts(json.dumps(read.alternatives[0]))
    done = run(app, [*small, "--regex", "x{9}", "--max-tokens", "3", "--plain-trace"])
    assert done.exit_code == 1
    read = trace.read(path)
    assert read.result is not None
    assert read.result["error"]["type"] == "BudgetError"
    assert not read.alternatives
    done = run(app, [*small[:-1], str(tmp_path), "--choice", "yes"])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_forms_of_parts_are_found_through_references_and_alternatives() -> None:
    leaf = {"properties": {"text": {"type": "string", "maxLength": 5}}}
    schema = {
        "anyOf": [{"$ref": "#/$defs/tree"}, {"$ref": "#"}, {"additionalProperties": AGE}],
        "$defs": {
            "tree": {"properties": {"parts": {"prefixItems": [leaf], "items": {"$ref": "#"}}}}
        },
    }
    forms = condit.json_schema(schema).part_forms()
    found = {steps: forms.at(steps) for steps in [("parts", 0, "text"), ("x",), ("parts", 0, "y")]}
    assert found == {
        ("parts", 0, "text"): "string (at most 5 characters)",
        ("x",): "integer (3 to 40)",
        ("parts", 0, "y"): "",
    }
    assert "integer (3 to 40)" in forms.at(("parts", 1, "x"))


def test_the_end_of_the_prompt_is_no_part_of_the_value() -> None:
    vocabulary = condit.Vocabulary([*(bytes([byte]) for byte in range(256)), b':{"', b""], end=257)
    model = condit.NgramModel.train(['the age:{"a":5}'], vocabulary=vocabulary, smoothing=1)
    wanted = condit.json_schema({"properties": {"a": AGE}, "required": ["a"], "type": "object"})
    result = condit.generate(model, "the age:", wanted, max_tokens=40, sampler="awrs", seed=2)
    assert result.healed == ":"
    assert "a" in {each.field for each in condit.alternatives(model, result)}
