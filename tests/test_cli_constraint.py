"""Constraints on the command line: by name, in Python's notation, several at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import condit
from condit.cli import app
from condit.constraint.base import Constraint
from condit.errors import ConditError
from condit.notation import MAKERS, read
from condit.plugins import registered


def ask(*arguments: str, input: str | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    done = CliRunner().invoke(app, list(arguments), input=input)
    return done.exit_code, done.stdout, done.stderr


def accepts(text: str, *constraints: str) -> bool:
    """Whether `condit check` accepts a text under all constraints."""
    options = [word for each in constraints for word in ("--constraint", each)]
    code, out, err = ask("check", *options, "-", input=text)
    assert (code == 0) == (out == "satisfied\n"), err
    assert code in (0, 1), err
    return code == 0


@pytest.mark.parametrize(
    ("written", "good", "bad"),
    [
        ("regex:a=b", "a=b", "a"),
        ("regex=a:b", "a:b", "a"),
        ("integer:0,130", "130", "131"),
        ("date", "2024-02-29", "2023-02-29"),
        ("date:", "2024-02-29", "2023-02-29"),
        ("email:", "a@example.com", "a"),
        ("choice:yes, or no", "yes, or no", "yes"),
    ],
)
def test_a_name_and_a_value(written: str, good: str, bad: str) -> None:
    assert accepts(good, written)
    assert not accepts(bad, written)


def test_files_by_name(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"type": "integer", "minimum": 1}))
    assert accepts("3", f"json_schema:{file}")
    assert not accepts("0", f"json_schema:{file}")
    small = ("generate", "-m", "ngram", "-p", "x", "--max-tokens", "8")
    assert ask(*small, "--constraint", "json_schema:-", input=file.read_text())[0] == 0


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("integer(-5, 130)", condit.integer(-5, 130)),
        ("condit.date", condit.date()),
        ('"yes" | "no"', condit.regex("yes|no")),
        ("integer(0, 9) * 3", condit.integer(0, 9) * 3),
        ("2 * ('a' + date)", 2 * ("a" + condit.date())),
        ("integer(0, 9) * (1, None)", condit.integer(0, 9) * (1, None)),
        (r'regex("\d{2}") & ~regex(r"\d0")', condit.regex(r"\d{2}") & ~condit.regex(r"\d0")),
        ('csv(["a", "b"], rows=(1, 2))', condit.csv(["a", "b"], rows=(1, 2))),
        (
            'csv({"a": integer(1, 2)}, header=false)',
            condit.csv({"a": condit.integer(1, 2)}, header=False),
        ),
        ('json_schema({"const": null})', condit.json_schema({"const": None})),
        ('free(until="\\n") + date', condit.free(until="\n") + condit.date()),
        ('template("{a}, {a}", a=line(3))', condit.template("{a}, {a}", a=condit.line(3))),
        ('triggered(("<t>", date, "</t>"))', condit.triggered(("<t>", condit.date(), "</t>"))),
    ],
)
def test_the_notation_means_what_it_means_in_python(written: str, same: Constraint) -> None:
    found = read(written)
    if "yes" in written:
        assert found.accepts("no")
        assert not found.accepts("yesno")
    else:
        assert found == same


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("integer(0, 130", "never closed"),
        ("integr(0, 130)", "did you mean 'integer'"),
        ("csv(['a'], rws=2)", "did you mean 'rows'"),
        ("integer(0, 1, 2)", "too many positional"),
        ("3", "3 is no constraint"),
        ("date | [1]", r"\[1\] is no constraint"),
        ("date * 1.5", "write a number, or"),
        ("date * (1, 2, 3)", "write a number, or"),
        ("date * (1, 'a')", "repeat"),
        ("date - date", "is not understood"),
        ("date if 1 else date", "is not understood"),
        ("f'{date}'", "is not understood"),
        ("[date for _ in 'ab']", "is not understood"),
        ("integer(*[0, 1])", "is not understood"),
        ("integer(**{'lo': 1})", "is not understood"),
        ("(lambda: date)()", "names nothing that can be called"),
        ("__import__('os').system('exit 3')", "names nothing that can be called"),
        ("open('x')", "no constraint is called 'open'"),
        ("generate('ngram', 'x')", "no constraint is called 'generate'"),
        ("date.__class__", "names nothing that can be called"),
        ("~" * 5000 + "date", "too deeply|cannot be read|no constraint"),
        ("", "no constraint"),
    ],
)
def test_anything_else_is_refused_unread(written: str, message: str) -> None:
    with pytest.raises(ConditError, match=message):
        read(written)


def test_every_function_that_makes_a_constraint_is_there() -> None:
    # "expression" is this notation itself.
    assert set(MAKERS) >= set(registered("constraints")) - {"expression"}
    assert all(callable(getattr(condit, name)) for name in MAKERS)


def test_several_constraints_must_all_hold(tmp_path: Path) -> None:
    assert accepts("ac", "regex:[a-c]+", "~choice('ab')")
    assert not accepts("ab", "regex:[a-c]+", "~choice('ab')")
    code, out, _ = ask("check", "--regex", "[ab]", "--choice", "b", "--choice", "c", "-", input="c")
    assert (code, "regex '[ab]'" in out) == (1, True)


def test_what_modules_and_files_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made_up_shop.py").write_text(
        "import condit\n"
        "from pydantic import BaseModel\n"
        "class Order(BaseModel):\n    count: int\n"
        "code = condit.regex('[A-Z]{2}')\n"
    )
    (tmp_path / "schema.json").write_text('{"type": "integer"}')
    (tmp_path / "yes.lark").write_text('start: "yes"')
    assert accepts("AB", "python:made_up_shop:code")
    assert accepts("AB-7", 'python("made_up_shop:code") + "-" + integer(0, 9)')
    assert accepts('{"count": 1}', 'json_schema(python("made_up_shop:Order"))')
    assert accepts("7", 'json_schema(file("schema.json")) | grammar(file("yes.lark"))')
    assert accepts("yes", 'json_schema(file("schema.json")) | grammar(file("yes.lark"))')
    for written, message in (
        ("python:made_up_shop:cod", "the module made_up_shop has no cod"),
        ("python:made_up_shop", "MODULE:NAME"),
        ("python:made_up_shop:Order", "is no constraint"),
        ("grammar(file('no.lark'))", "no.lark cannot be read"),
    ):
        code, _, err = ask("check", "--constraint", written, "-", input="")
        assert (code, message in err) == (2, True), err


def test_a_name_that_needs_a_value_says_which() -> None:
    code, _, err = ask("check", "--constraint", "regex", "-", input="")
    assert (code, "regex:TEXT (a regular expression" in err) == (2, True)
    code, _, err = ask("check", "--constraint", "grammar", "-", input="")
    assert (code, "grammar:FILE" in err) == (2, True)


def test_plan() -> None:
    code, out, _ = ask("plan", "--constraint", "date + 'x'", "--regex", ".*")
    assert code == 0
    assert out.splitlines()[0].split() == ["path", "part", "where", "note"]
    found = json.loads(ask("plan", "--constraint", "~json_schema({})", "--json")[1])
    assert found["parts"][0]["where"] == "end"
    code, _, err = ask("plan")
    assert (code, "give a constraint" in err) == (2, True)
