"""Which modules import which: there is no circle, and each room imports only rooms below it.

Every import in the source counts: at the top, inside functions, and under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"

ROOMS = (
    ("errors", "kept", "report", "start_up", "version", "weights"),
    ("fields", "trace"),
    ("marginal",),
    ("agreement",),
    ("result",),
    ("cli_streams", "foreign", "page", "plugins", "vocabulary"),
    ("constraint", "model"),
    ("corpus", "lexical", "prefer", "regular", "speculate"),
    ("forbidden", "sampler", "temporal"),
    ("hindsight", "instruct", "outcome", "retrieval", "scores"),
    ("cache", "follower", "testing"),
    ("generate",),
    ("behave", "refining"),
    ("serve",),
    ("batches",),
    ("ray",),
    ("condit",),
    ("cli_output", "cli_regex", "cli_where", "info", "integrations"),
    ("cli_index", "cli_options", "cli_view", "notation"),
    ("cli_constraint", "playground"),
    ("cli_agent_file", "cli_batch", "cli_refine", "cli_serve", "cli_temporal"),
    ("cli_agent",),
    ("cli",),
    ("__main__",),
)
"""From the ground up. A room imports nothing of its own row, and nothing of the rows after it.

``condit`` stands for the package's ``__init__``.
"""


def imports(source: Path) -> dict[str, set[str]]:
    """For each module of ``condit`` the others that it imports."""
    files = {}
    for file in (source / "condit").rglob("*.py"):
        parts = file.relative_to(source).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return {module: _imported(file, set(files)) - {module} for module, file in files.items()}


def _imported(file: Path, modules: set[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: write the whole name of the module"
            home = node.module or ""
            names = [f"{home}.{alias.name}" for alias in node.names]
            found.update(name if name in modules else home for name in names)
    return found & modules


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules each of which imports the next, the first being the last; empty if there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def room(module: str) -> str:
    return module.split(".")[min(1, module.count("."))]


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return imports(SOURCE)


def test_no_import_leads_in_a_circle(graph: dict[str, set[str]]) -> None:
    assert not circle(graph), " imports ".join(circle(graph))


def test_rooms_import_only_rooms_below(graph: dict[str, set[str]]) -> None:
    row = {name: height for height, names in enumerate(ROOMS) for name in names}
    unknown = {room(module) for module in graph} - set(row)
    assert not unknown, f"give these rooms a row in ROOMS: {unknown}"
    wrong = [
        f"{module} imports {name}"
        for module, names in graph.items()
        for name in names
        if room(module) != room(name) and row[room(module)] <= row[room(name)]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    [
        "from condit import a",
        "import condit.a",
        "def f():\n    from condit.a import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from condit.a import Thing",
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(tmp_path: Path, line: str) -> None:
    package = tmp_path / "condit"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("import os\nfrom condit.b import other\n")
    (package / "b.py").write_text(line)
    assert circle(imports(tmp_path)) in (
        ["condit.a", "condit.b", "condit.a"],
        ["condit.b", "condit.a", "condit.b"],
    )
    (package / "b.py").write_text("import ast")
    assert circle(imports(tmp_path)) == []
