"""Patterns as browsers take them: facts recorded from Node, and Node itself where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

import condit
from condit.constraint.schema.annex_b import is_taken, strict, with_strict_patterns
from condit.errors import CompileError, UnsupportedConstraintError

# pattern: (texts in which it matches, texts in which it does not)
FACTS: dict[str, tuple[list[str], list[str]]] = {
    r"^\{d}$": (["{d}"], ["d", "{d"]),
    r"^\{\{[a-z]+}}$": (["{{name}}"], ["{name}"]),
    r"^a]$": (["a]"], ["a"]),
    r"^a{$": (["a{"], ["a"]),
    r"^x{,5}$": (["x{,5}"], ["x", "xxxxx"]),
    r"^x{a}$": (["x{a}"], ["xa"]),
    r"^a\-b$": (["a-b"], [r"a\-b"]),
    r"^[\w-.]+$": (["a-b.c"], ["a b", "a,b"]),
    r"^[a-\d]+$": (["a-5"], ["b"]),
    r"^\07$": (["\x07"], ["07", "7"]),
    r"^\101$": (["A"], ["101"]),
    r"^\8$": (["8"], ["\\8"]),
    r"^(a)\2$": (["a\x02"], ["aa"]),
    r"^(a)\1$": (["aa"], ["a", "a\x01"]),
    r"^[\1]$": (["\x01"], ["1"]),
    r"^\k$": (["k"], ["\\k"]),
    r"^(?=a)*b$": (["b"], ["ab"]),
    r"^(?=ab){2}a": (["ab"], ["a", "b"]),
    r"^(?!a)?a$": (["a"], ["b"]),
    r"^\c1$": ([r"\c1"], ["c1"]),
    r"^[\c1]$": (["\x11"], ["c", "1"]),
    r"^\x$": (["x"], ["\\x"]),
    r"^\u12$": (["u12"], ["\x12"]),
    r"^\e\_\@$": (["e_@"], ["\\e"]),
    r"^[^]$": (["a", "]"], ["", "ab"]),
    r"^[^]]$": (["a]", "b]"], ["]", "a"]),
    r"^([]|a)$": (["a"], ["", "]"]),
    r"^\<b\>$": (["<b>"], ["b"]),
    r"^[\B]$": (["B"], ["b"]),
    r"^\0$": (["\x00"], ["0"]),
    r"^(?<n>a|b)\k<n>$": (["aa", "bb"], ["ab"]),
    r"^\ud83d\ude00$": (["😀"], ["x"]),
}


@pytest.mark.parametrize("pattern", FACTS)
def test_matcher_and_oracle_read_patterns_as_a_browser_does(pattern: str) -> None:
    good, bad = FACTS[pattern]
    constraint = condit.json_schema({"type": "string", "pattern": pattern})
    matcher = constraint.bind(condit.Vocabulary.of_bytes())
    for texts, wanted in ((good, True), (bad, False)):
        for text in texts:
            written = json.dumps(text)
            assert constraint.accepts(written) is wanted, text
            walker = matcher.copy()
            walked = True
            for byte in written.encode():
                if not walker.allows(byte):
                    walked = False
                    break
                walker.advance(byte)
            assert (walked and walker.allows(256)) is wanted, text


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_facts_are_those_of_node() -> None:
    program = (
        "const facts = JSON.parse(require('fs').readFileSync(0));"
        "for (const [pattern, [good, bad]] of Object.entries(facts)) {"
        "  const read = new RegExp(pattern);"
        "  if (!good.every(t => read.test(t)) || bad.some(t => read.test(t))) console.log(pattern)"
        "}"
    )
    done = subprocess.run(
        ["node", "-e", program], input=json.dumps(FACTS), capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


def test_keys_are_read_alike() -> None:
    schema = {
        "type": "object",
        "patternProperties": {r"^\{[\w-.]+}$": {"type": "integer"}},
        "propertyNames": {"pattern": r"^[^]{3}"},
        "additionalProperties": False,
    }
    constraint = condit.json_schema(schema)
    assert constraint.accepts('{"{a-b}": 1}')
    assert not constraint.accepts('{"{a-b}": "x"}')
    assert not constraint.accepts('{"other": 1}')
    assert schema["patternProperties"] == {r"^\{[\w-.]+}$": {"type": "integer"}}  # as it was


def test_documents_that_are_read_as_they_stand_are_left_alone() -> None:
    held = {
        "type": "object",
        "properties": {"pattern": {"pattern": r"\d"}},
        "const": {"pattern": "}"},
    }
    assert with_strict_patterns(held) is held
    assert strict(r"^\p{L}+\u{1F600}$") == r"^\p{L}+\u{1F600}$"
    assert with_strict_patterns(True) is True


def test_documents_that_are_referred_to_are_read_alike() -> None:
    constraint = condit.json_schema(
        {"$ref": "https://example.org/code"},
        registry={"https://example.org/code": {"type": "string", "pattern": "^{a}$"}},
    )
    assert constraint.accepts('"{a}"')
    assert not constraint.accepts('"a"')


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "*a", "(?<=a)*", "[b-a]"])
def test_what_no_browser_takes_is_refused(pattern: str) -> None:
    assert not is_taken(strict(pattern))
    with pytest.raises(CompileError, match="is not a regular expression"):
        condit.json_schema({"type": "string", "pattern": pattern})


def test_half_a_character_is_refused_by_that_reason() -> None:
    with pytest.raises(UnsupportedConstraintError, match="names half a character"):
        condit.json_schema({"type": "string", "pattern": r"^\ud83d$"})
