"""Every bench can be started: its modules import, and ``--help`` says what it is."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import bench
import pytest
from bench.__main__ import QUESTIONS
from bench.coverage.contestants import CONTESTANTS as COVERAGE
from bench.library.contestants import Contestant
from bench.library.venvs import PEERS, ROOT
from bench.library.workers import WORKERS
from bench.regular.command import CONTESTANTS as REGULAR
from bench.speed.contestants import CONTESTANTS as SPEED
from bench.throughput import CONTESTANTS as THROUGHPUT
from bench.wild.contestants import PROGRAMS as WILD

# Each starts processes of its own.
pytestmark = pytest.mark.slow

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(bench.__path__, "bench.")
    if module.name != "bench.__main__"
)


@pytest.mark.parametrize("name", MODULES)
def test_modules_import(name: str) -> None:
    if name.endswith(".plots"):
        pytest.importorskip("matplotlib")
    importlib.import_module(name)


@pytest.mark.parametrize("question", QUESTIONS)
def test_help_says_what_a_bench_is(question: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"bench.{question}")
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: scripts/bench {question}" in shown
    assert shown.count("\n") > 8


def test_the_readme_has_every_bench() -> None:
    readme = (ROOT / "bench" / "README.md").read_text()
    for question in QUESTIONS:
        assert f"scripts/bench {question}" in readme
        assert f"\n## {question}\n" in readme


@pytest.mark.parametrize("file", sorted(WORKERS.glob("*.py")), ids=lambda file: file.stem)
def test_workers_are_python_and_name_what_is_there(file: Path) -> None:
    """They run in other environments: here their syntax is known, their own modules, and Condit."""
    tree = ast.parse(file.read_text(), feature_version=(3, 11))
    theirs = {path.stem for path in WORKERS.glob("*.py")}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if node.module.split(".")[0] in {"condit", "bench"}:
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
        if node.module in theirs:
            defined = _names(ast.parse((WORKERS / f"{node.module}.py").read_text()))
            assert {alias.name for alias in node.names} <= defined


@pytest.mark.parametrize(
    ("question", "contestants"),
    [
        ("throughput", THROUGHPUT),
        ("speed", SPEED),
        ("coverage", COVERAGE),
        ("wild", WILD),
        ("regular", REGULAR),
    ],
)
def test_contestants_have_a_worker_and_an_environment(
    question: str, contestants: dict[str, Contestant]
) -> None:
    for contestant in contestants.values():
        assert (WORKERS / f"{question}_{contestant.script}.py").is_file()
        assert contestant.peer in {"condit", *PEERS}


def _names(tree: ast.Module) -> set[str]:
    """What a module defines or imports at its top."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found
