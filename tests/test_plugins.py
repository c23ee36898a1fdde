"""Entry points: those of Condit itself, and those of packages made up here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import condit
from condit import plugins
from condit.constraint.source import ConstraintSource
from condit.errors import ArgumentError, IncompatibleDependencyError, UnknownNameError
from condit.info import gather
from condit.plugins import call, find, find_source, registered, unknown

MODULE = """\
import condit
from condit.constraint.source import ConstraintSource
from condit.prefer.source import PreferenceSource


def sql(schema, *, dialect="any"):
    names = schema.replace("create table ", "").split()
    return condit.regex(f"select [*] from ({'|'.join(names)})")


SQL = ConstraintSource(
    name="sql", description="the tables that queries may name", make=sql, given_as="file"
)
SHORT = PreferenceSource(
    name="short", description="how much", make=lambda much: condit.prefer(len, -float(much))
)
"""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts the module and the metadata of a package where Python finds them."""
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)

    def install(name: str, module: str, **groups: str) -> Path:
        home = tmp_path / f"{name}-1.0.dist-info"
        home.mkdir()
        (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"[condit.{kind}]\n{points}\n" for kind, points in groups.items()]
        (home / "entry_points.txt").write_text("\n".join(lines))
        (tmp_path / f"{name}.py").write_text(module)
        plugins._points.cache_clear()
        return tmp_path

    yield install
    plugins._points.cache_clear()
    for module in set(sys.modules) - modules:
        if module.startswith("made_up"):
            del sys.modules[module]


def test_the_built_ins_are_registered_like_anything_else() -> None:
    assert {"smollm2", "ngram"} <= set(registered("models"))
    assert {"masked", "awrs", "smc"} <= set(registered("samplers"))
    assert {"regex", "grammar", "json_schema", "choice"} <= set(registered("constraints"))
    assert "likelihood" in registered("preferences")


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_every_built_in_loads_and_knows_its_name(kind: str) -> None:
    for name in registered(kind):
        found = find(kind, name)
        assert getattr(found, "name", name) == name


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no sampler is called 'smcc'; did you mean 'smc'\?"
    ):
        find("samplers", "smcc")
    with pytest.raises(UnknownNameError, match=r"constraint is called .* did you mean 'regex'\?"):
        condit.make_constraint("regexp", "a")


def test_nothing_near_lists_what_there_is() -> None:
    assert unknown("thing", "zzz", ["b", "a"]) == "no thing is called 'zzz' (known: a, b)"


def test_an_installation_older_than_its_source_says_so() -> None:
    with pytest.raises(UnknownNameError, match=r"older than its source.*pip install -e"):
        find("kinds that no release has", "regex")


@pytest.mark.parametrize(
    ("name", "value", "options", "text"),
    [
        ("regex", "[0-9]{3}", {}, "123"),
        ("choice", ["yes", "no"], {}, "no"),
        ("grammar", 'root ::= "a" | "b"', {"syntax": "gbnf"}, "b"),
        ("json_schema", {"type": "integer"}, {"numbers": "any"}, "3.0"),
        ("json_schema", '{"const": null}', {}, "null"),
    ],
)
def test_constraints_are_made_of_what_json_holds(
    name: str, value: object, options: dict[str, object], text: str
) -> None:
    made = condit.make_constraint(name, value, **options)
    assert made.accepts(text)
    assert not made.accepts("something else")


def test_options_that_are_not_there_or_missing_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"'grammar' is called 'sintax'; did you mean 'syntax'"):
        condit.make_constraint("grammar", 'start: "a"', sintax="lark")
    with pytest.raises(ArgumentError, match=r"this model: missing .*'label'"):
        call("this model", lambda given, *, label: None, (1,), {})
    assert call("this model", lambda given, **more: (given, more), (1,), {"a": 2}) == (1, {"a": 2})


def test_a_preference_by_name() -> None:
    made = condit.make_preference("likelihood", "The ", model="ngram", strength=2)
    assert made.log_weights(["order"]) == pytest.approx(
        [2 * condit.likelihood("ngram", "The ").scores(["order"])[0]]
    )


def test_a_package_is_found_by_name(install: Install) -> None:
    constraints, preferences = "sql = made_up_sql:SQL", "short = made_up_sql:SHORT"
    install("made_up_sql", MODULE, constraints=constraints, preferences=preferences)
    made = condit.make_constraint("sql", "create table orders", dialect="duckdb")
    assert made.accepts("select * from orders")
    assert condit.make_preference("short", "0.5").log_weights(["four"]) == [-2.0]


@pytest.mark.slow
def test_a_package_is_found_on_the_command_line(install: Install) -> None:
    constraints, preferences = "sql = made_up_sql:SQL", "short = made_up_sql:SHORT"
    folder = install("made_up_sql", MODULE, constraints=constraints, preferences=preferences)
    (folder / "schema.sql").write_text("create table orders\ncreate table customers\n")

    def ask(*arguments: str) -> str:
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-m", "condit", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert re.search("^sql +FILE +the tables that queries may name", ask("constraints"), re.M)
    assert "short       how much" in ask("preferences")
    asked = ("generate", "-m", "ngram", "-p", "x", "--constraint", "sql=schema.sql")
    drawn = ask(*asked, "--prefer", "short=50", "--output", "text", "-n", "8", "--seed", "0")
    assert set(drawn.splitlines()) <= {"select * from orders", "select * from customers"}


def test_a_package_that_does_not_load_is_named_and_hides_no_other(install: Install) -> None:
    install("made_up_broken", "raise OSError('no driver')", constraints="sql = made_up_broken:SQL")
    with pytest.raises(
        IncompatibleDependencyError,
        match=r"'sql' of the package made_up_broken .*does not load \(OSError: no driver\)",
    ):
        condit.make_constraint("sql", "x")
    found = gather()["plugins"]
    assert "no driver" in found["constraints: sql"]
    assert "regex" in found["constraints"]


def test_what_is_no_source_is_refused(install: Install) -> None:
    install("made_up_bare", "def sql(text): ...", constraints="sql = made_up_bare:sql")
    with pytest.raises(IncompatibleDependencyError, match="is a function, not a ConstraintSource"):
        find_source("constraints", "sql", ConstraintSource)


def test_a_package_that_is_there_twice_is_no_conflict(install: Install) -> None:
    install("made_up_twin", "", constraints="regex = condit.constraint.regex:REGEX")
    assert condit.make_constraint("regex", "a").accepts("a")


def test_two_packages_with_one_name_are_named(install: Install) -> None:
    install("made_up_other", MODULE, constraints="regex = made_up_other:SQL")
    with pytest.raises(IncompatibleDependencyError, match="condit and made_up_other register it"):
        condit.make_constraint("regex", "a")


@pytest.mark.parametrize("what", ["'text'", "None", "dict", "lambda: 7"])
def test_what_is_no_sampler_is_refused(install: Install, what: str) -> None:
    install("made_up_sampler", f"drawer = {what}", samplers="drawer = made_up_sampler:drawer")
    with pytest.raises(IncompatibleDependencyError, match=r"it is .*, not a Sampler"):
        condit.generate(condit.load("ngram"), "a", max_tokens=1, sampler="drawer")


@pytest.mark.parametrize("kind", ["constraint", "preference"])
def test_what_makes_something_else_is_refused(install: Install, kind: str) -> None:
    source = f"{kind.capitalize()}Source"
    where = {"constraint": "constraint", "preference": "prefer"}[kind]
    code = f"from condit.{where}.source import {source}\nMADE = {source}('m', 'd', lambda value: 7)"
    install("made_up_maker", code, **{f"{kind}s": "m = made_up_maker:MADE"})
    with pytest.raises(IncompatibleDependencyError, match="it made a int"):
        getattr(condit, f"make_{kind}")("m", "x")


def test_a_sampler_that_needs_arguments_says_so(install: Install) -> None:
    code = "from condit import Masked\nclass Mine(Masked):\n    def __init__(self, speed): ..."
    install("made_up_speed", code, samplers="mine = made_up_speed:Mine")
    with pytest.raises(ArgumentError, match=r"sampler 'mine': .*'speed'"):
        condit.generate(condit.load("ngram"), "a", max_tokens=1, sampler="mine")


def test_a_name_that_is_no_text_is_unknown() -> None:
    with pytest.raises(UnknownNameError):
        condit.make_constraint(3, "a")  # type: ignore[arg-type]
