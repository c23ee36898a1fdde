"""The command line, run as users run it: in process for speed, and as a program for its edges."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import condit
from condit.cli import app

run = CliRunner().invoke


def ask(*arguments: str, input: str | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    done = run(app, list(arguments), input=input)
    return done.exit_code, done.stdout, done.stderr


SMALL = ("generate", "-m", "ngram", "--seed", "0")


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    file = tmp_path / "schema.json"
    properties = {"count": {"type": "integer", "minimum": 1, "maximum": 9}}
    file.write_text(json.dumps({"type": "object", "properties": properties, "required": ["count"]}))
    return file


def test_help_at_80_columns_is_broken_by_the_terminal_alone() -> None:
    commands = typer.main.get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    context = commands.make_context("condit", [], resilient_parsing=True)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        assert not any("\n" in each for each in (command.help or "").split("\n\n"))
        done = run(app, [name, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
        assert done.exit_code == 0
        assert "\N{HORIZONTAL ELLIPSIS}" not in done.stdout, done.stdout


def test_version() -> None:
    assert ask("--version") == (0, f"condit {condit.__version__}\n", "")


def test_no_command_shows_the_help() -> None:
    code, out, _ = ask()
    assert code == 2
    assert "generate" in out


def test_models_are_listed_with_their_status() -> None:
    code, out, _ = ask("models")
    assert code == 0
    assert "ngram" in out
    assert "smollm2" in out
    assert "ready" in out


def test_constraints_and_preferences_are_listed() -> None:
    code, out, _ = ask("constraints")
    assert code == 0
    listed = [line.split()[:2] for line in out.splitlines()[1:-1]]
    assert listed == sorted(listed)
    for each in (["choice", "TEXT"], ["grammar", "FILE"], ["json_schema", "FILE"]):
        assert each in listed
    assert {"regex", "integer", "date", "iban", "csv"} <= {name for name, _ in listed}
    code, out, _ = ask("preferences")
    assert code == 0
    assert "likelihood" in out
    code, out, _ = ask("samplers")
    assert code == 0
    assert ["exact", "exact", "Independent"] in [line.split()[:3] for line in out.splitlines()]


def test_an_empty_pattern_is_a_constraint() -> None:
    assert ask("check", "--regex", "", "-", input="a")[0] == 1


def test_a_table_by_default() -> None:
    code, out, err = ask(*SMALL, "-p", "The answer is ", "--choice", "yes", "--choice", "no")
    assert (code, err) == (0, "")
    assert "log evidence" in out
    assert "stop" in out
    assert "yes" in out or "no" in out


def test_json_output_is_the_whole_result() -> None:
    code, out, _ = ask(
        *SMALL, "-p", "The answer is ", "--regex", "yes|no", "-n", "3", "--output", "json"
    )
    data = json.loads(out)
    assert code == 0
    assert len(data["samples"]) == 3
    assert {"log_evidence", "ess", "best", "seed", "stats", "sampler"} <= set(data)


def test_text_output_is_the_texts(tmp_path: Path) -> None:
    grammar = tmp_path / "answer.lark"
    grammar.write_text('start: "yes" | "no"\n')
    code, out, _ = ask(
        *SMALL, "-p", "The answer is ", "--grammar", str(grammar), "-n", "2", "--output", "text"
    )
    assert code == 0
    assert len(out.split()) == 2
    assert set(out.split()) <= {"yes", "no"}


def test_a_schema_and_a_prompt_from_standard_input(schema: Path) -> None:
    code, out, _ = ask(
        *(*SMALL, "-p", "-", "--json-schema", str(schema), "--output", "json"),
        input="The order is ",
    )
    assert code == 0
    assert 1 <= json.loads(out)["samples"][0]["value"]["count"] <= 9


def test_streaming_prints_the_text_as_it_comes() -> None:
    code, out, _ = ask(*SMALL, "-p", "The ", "--stream", "--max-tokens", "12")
    assert code == 0
    expected = condit.generate("ngram", "The ", max_tokens=12, seed=0)
    assert out == expected.best.text + "\n"


def test_drafts_change_the_cost_alone() -> None:
    asked = (*SMALL, "-p", "The order is ", "--regex", "[a-z ]{5}chair!{3}", "--sampler", "awrs")
    code, out, _ = ask(*asked)
    without, plain, _ = ask(*asked, "--no-drafts")
    assert code == without == 0
    assert "by drafts" in out
    assert "by drafts" not in plain
    assert out.splitlines()[1] == plain.splitlines()[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-p", "x", "--backend", "llama"), "option of this model"),
        (("-p", "x", "--regex", "("), "("),
        (("-p", "x", "--regex", "[a&&b]"), "no text"),
        (("-p", "x", "--regex", "a", "--choice", "b"), "no text"),
        (("-p", "x", "--prefer", "likelihood"), "NAME:VALUE"),
        (("-p", "x", "--constraint", "rejex=a"), "did you mean 'regex'"),
        (("-p", "x", "--constraint", "grammar=/no/such/file"), "/no/such/file cannot be read"),
        (("-p", "x", "--prefer", "likelyhood=a"), "did you mean 'likelihood'"),
        (("-p", "x", "-n", "0"), "n must be 1 or more"),
        (("-p", "x", "-m", "smolm2"), "did you mean 'smollm2'"),
        (("-p", "x", "--sampler", "smcc"), "did you mean 'smc'"),
        (("-p", "x", "--json-schema", "/no/such/file"), "/no/such/file cannot be read"),
        (("-p", "x", "--stream", "-n", "2"), "--stream prints one text"),
        (("-p", "x", "--chat"), "no chat template"),
        (("-p", "x", "-m", "/tmp"), "not a model directory"),
    ],
)
def test_bad_input_exits_with_two_and_says_why(arguments: tuple[str, ...], message: str) -> None:
    code, out, err = ask(*SMALL, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err


def test_a_file_that_is_not_json_or_not_text(tmp_path: Path) -> None:
    broken, binary = tmp_path / "broken.json", tmp_path / "binary.json"
    broken.write_text('{"type": ]')
    binary.write_bytes(b'"\xff"')
    code, _, err = ask(*SMALL, "-p", "x", "--json-schema", str(broken))
    assert (code, "line 1, column 10" in err) == (2, True)
    code, _, err = ask(*SMALL, "-p", "x", "--json-schema", str(binary))
    assert (code, "not a text in UTF-8" in err) == (2, True)


def test_too_small_a_budget_exits_with_one() -> None:
    code, _, err = ask(*SMALL, "-p", "The ", "--regex", "[a-z]{50}", "--max-tokens", "5")
    assert code == 1
    assert "max_tokens=5 is too small" in err


def test_check_says_yes_or_why_not(schema: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.json"
    text.write_text('{"count": 3}\n')
    assert ask("check", "--json-schema", str(schema), str(text)) == (0, "satisfied\n", "")
    text.write_text('{"count": 12}')
    code, out, _ = ask("check", "--json-schema", str(schema), str(text))
    assert code == 1
    assert "at character 10" in out
    code, out, _ = ask("check", "--regex", "ab+c", "-", input="abbx")
    assert code == 1
    assert "at character 3" in out


def test_check_needs_a_constraint(tmp_path: Path) -> None:
    code, _, err = ask("check", "-", input="x")
    assert code == 2
    assert "give a constraint" in err


UNIQUE = {
    "title": "Tags",
    "type": "array",
    "items": {"type": "string"},
    "uniqueItems": True,
}


def test_explain_schema_says_where_keywords_are_enforced(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(UNIQUE))
    code, out, err = ask("explain-schema", str(file))
    assert (code, err) == (0, "")
    lines = [line.split()[:3] for line in out.splitlines()]
    assert lines[0] == ["pointer", "keyword", "where"]
    assert ["(top)", "uniqueItems", "close"] in lines
    assert ["/items", "type", "token"] in lines
    assert out.endswith(
        "5 keywords: 3 at the token, 1 at the close of a value, 1 annotation\n",
    )


def test_explain_schema_as_json_from_standard_input() -> None:
    options = ("--json", "--order", "any", "--whitespace", "flexible")
    code, out, _ = ask("explain-schema", "-", *options, input=json.dumps(UNIQUE))
    data = json.loads(out)
    assert code == 0
    assert [each["keyword"] for each in data["keywords"]] == [
        *("title", "type", "items", "type", "uniqueItems"),
    ]
    assert data["counts"] == {"annotation": 1, "token": 3, "close": 1}
    assert {"pointer", "keyword", "where", "note"} == set(data["keywords"][0])
    assert ask("explain-schema", "-", input="true") == (0, "0 keywords\n", "")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ('{"type": 3}', (), "not valid at /type"),
        ('{"type": ]', (), "line 1, column 10"),
        ('{"minimum": 3, "maximum": 2, "type": "integer"}', (), "no value satisfies"),
        ("{}", ("--order", "reverse"), "order='reverse' is unknown"),
        ("{}", ("--whitespace", "wide"), "whitespace='wide' is unknown"),
    ],
)
def test_explain_schema_refuses(text: str, options: tuple[str, ...], message: str) -> None:
    code, out, err = ask("explain-schema", "-", *options, input=text)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err


@pytest.mark.model
def test_the_embedded_model_with_chat_and_system() -> None:
    code, out, err = ask(
        *("generate", "-p", "Is snow white?", "--system", "Answer yes or no."),
        *("--choice", "yes", "--choice", "no", "-n", "2", "--seed", "0", "--output", "text"),
    )
    assert code == 0, err
    assert set(out.split()) <= {"yes", "no"}


def test_a_terminal_sees_progress_and_a_pipe_does_not() -> None:
    command = [sys.executable, "-m", "condit", *SMALL, "-p", "The ", "--max-tokens", "40"]
    piped = subprocess.run(command, capture_output=True, text=True)
    assert piped.returncode == 0
    assert piped.stderr == ""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert process.wait() == 0
    assert b"Loading ngram" in seen
    assert b"Drawing" in seen


def test_info_tells_what_a_bug_report_needs() -> None:
    code, out, _ = ask("info", "--output", "json")
    assert code == 0
    found = json.loads(out)
    assert found["versions"]["condit"] == condit.__version__
    assert found["processor"]["cores usable"] >= 1
    assert found["torch"]["dtype of a 16-bit model"].startswith(("bfloat16: ", "float32: "))
    assert "awrs" in found["plugins"]["samplers"]
    code, out, _ = ask("info")
    assert code == 0
    assert all(f"{section}\n" in out for section in found)


def test_info_says_why_a_part_cannot_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("no such thing")

    monkeypatch.setattr("condit.foreign.torch.bfloat16", broken)
    code, out, _ = ask("info", "--output", "json")
    assert code == 0
    assert json.loads(out)["torch"] == {"error": "OSError: no such thing"}
    assert "error" not in json.loads(out)["plugins"]


def test_describe_prints_what_instruct_sends(schema: Path) -> None:
    code, out, _ = ask("describe", "--json-schema", str(schema))
    assert code == 0
    assert out == condit.describe(condit.json_schema(schema)) + "\n"
    code, _, said = ask("describe")
    assert code == 2
    assert "--json-schema" in said


def test_instruct_without_a_constraint_is_told_in_options() -> None:
    code, _, said = ask(*SMALL, "-p", "x", "--instruct")
    assert code == 2
    assert "--instruct tells the format of a constraint" in said
    assert "instruct=True" not in said


def test_instruct_changes_the_prompt_and_so_the_evidence() -> None:
    options = ("--choice", "a", "--choice", "b", "--output", "json")
    by_hand = condit.describe(condit.choice("a", "b")) + "\n\n"
    plain, sent, told = (
        json.loads(ask(*SMALL, *prompt, *options)[1])["log_evidence"]
        for prompt in (("-p", ""), ("-p", by_hand), ("-p", "", "--instruct"))
    )
    assert told == sent
    assert told != plain


def test_a_python_function_checks_values_and_fields(
    schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_checks.py").write_text(
        "def even(count): return count % 2 == 0\n"
        "def short(text): return len(text) < 3 or 'it is too long'\n"
        "class Group:\n    never = staticmethod(lambda text: False)\n"
    )
    (tmp_path / "my_broken_checks.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    by_field = ("--json-schema", str(schema), "--where", "count=my_checks:even")
    code, out, _ = ask(*SMALL, "-p", "x", *by_field, "--max-tokens", "20", "--output", "text")
    assert code == 0
    assert json.loads(out)["count"] % 2 == 0
    assert ask("check", "-", *by_field, input='{"count": 3}')[0] == 1
    code, out, _ = ask("check", "-", "--where", "my_checks:short", input="long")
    assert (code, out) == (1, "it is too long\n")
    both = ("--where", "my_checks:short", "--where", "my_checks:Group.never")
    assert ask("check", "-", *both, input="a")[0] == 1
    for wrong, message in (
        ("my_checks", "MODULE:FUNCTION"),
        ("my_checks:odd", "has no odd"),
        ("nowhere:odd", "ModuleNotFoundError"),
        ("my_broken_checks:odd", "ZeroDivisionError"),
        ("total=my_checks:even", "no field is called 'total'"),
    ):
        code, _, error = ask(
            "check", "-", "--json-schema", str(schema), "--where", wrong, input="1"
        )
        assert code == 2, wrong
        assert message in " ".join(error.split()), wrong


@pytest.mark.model
def test_what_is_streamed_begins_after_a_healed_prompt() -> None:
    asked = ("generate", "-p", "It was a sunny ", "--regex", "[a-z]{3,8}", "--seed", "0")
    streamed = (*asked, "--max-tokens", "8", "--stream", "--sampler", "awrs")
    (code, healed, _), (without, plain, _) = ask(*streamed), ask(*streamed, "--no-heal")
    assert code == without == 0
    expected = {
        heal: condit.generate(
            "smollm2", "It was a sunny ", condit.regex("[a-z]{3,8}"), max_tokens=8, seed=0,
            sampler="awrs", heal=heal,
        )
        for heal in (True, False)
    }  # fmt: skip
    assert expected[True].healed == " "
    assert (healed, plain) == (expected[True].best.text + "\n", expected[False].best.text + "\n")
