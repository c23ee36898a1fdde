"""The Python code in README and docs runs, page by page; shell lines name commands that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import condit
from condit import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK = re.compile(
    r"^(?P<skip><!-- not run: .+ -->\n)?```(?P<kind>python|sh)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks(page: Path, kind: str) -> list[tuple[int, str]]:
    """The line number and the code of every block of a kind that is to be run."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start("code")), found["code"])
        for found in BLOCK.finditer(text)
        if found["kind"] == kind and not found["skip"]
    ]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


SLOW = {"docs/explanation/weights.md", "docs/how-to/extend.md", "docs/how-to/regex.md"}
"""Pages without the embedded model that take a second or more."""


def marked(page: Path) -> Any:
    uses_the_model = any("smollm2" in code for _, code in blocks(page, "python"))
    marks = [pytest.mark.model] if uses_the_model else []
    return pytest.param(page, marks=marks + [pytest.mark.slow] * (name_of(page) in SLOW))


@pytest.mark.parametrize(
    "page", [marked(page) for page in PAGES if blocks(page, "python")], ids=name_of
)
def test_python_blocks_run_from_top_to_bottom(
    page: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_blocks = blocks(page, "python")
    if any('"smollm2"' in code for _, code in code_blocks):
        embedded, real = request.getfixturevalue("smollm2"), condit.load

        def load(source: str = "smollm2", **options: Any) -> condit.Model:
            """The embedded model, loaded once for all pages."""
            return embedded if source == "smollm2" and not options else real(source, **options)

        monkeypatch.setattr(condit, "load", load)
    # Classes in the code are looked up by their module's name.
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for line, code in code_blocks:
        # Blank lines before it: a traceback then shows the line of the page.
        exec(compile("\n" * line + code, str(page), "exec", dont_inherit=True), namespace)


SHELL = [
    (page, line)
    for page in PAGES
    for _, code in blocks(page, "sh")
    for line in code.splitlines()
    if "condit " in line and "./my-model" not in line
]


@pytest.mark.parametrize(("page", "line"), SHELL, ids=lambda value: str(value)[-60:])
def test_shell_lines_have_options_that_exist(page: Path, line: str, tmp_path: Path) -> None:
    # Parsed by the real parser, with --help added so that nothing is drawn.
    reader = shlex.shlex(line, posix=True, punctuation_chars="|")
    reader.whitespace_split = True
    words_of = [list(words) for is_pipe, words in groupby(reader, "|".__eq__) if not is_pipe]
    for words in words_of:
        if words[0] != "condit":
            continue
        done = CliRunner().invoke(cli.app, [*words[1:], "--help"])
        assert done.exit_code == 0, f"{name_of(page)}: {line}\n{done.output}"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in navigation


def test_parts_of_your_own_are_short() -> None:
    page = ROOT / "docs" / "how-to" / "extend.md"
    for line, code in blocks(page, "python"):
        assert code.count("\n") <= 40, f"{name_of(page)}:{line} is longer than 40 lines"


def test_links_in_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target


def test_the_command_line_page_is_in_step() -> None:
    script = str(ROOT / "scripts" / "cli_reference.py")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
