"""Versions of other libraries: those installed, those Condit supports, and errors for others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from condit.errors import IncompatibleDependencyError, MissingDependencyError

_EXTRAS = ("transformers", "smollm", "llama", "parquet", "ray")
"""Condit's extras that are needed to run models; the others are tools."""


@cache
def installed(package: str) -> str | None:
    """The installed version of ``package``, or ``None``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def supported(package: str) -> str:
    """The range of versions that Condit asks for, as in its own metadata; ``""`` if it does not."""
    for line in requires("condit") or ():
        named = re.match(r"[A-Za-z0-9._-]+", line)
        if named and _canonical(named[0]) == _canonical(package):
            specifiers = line[named.end() :].split(";")[0].strip()
            if specifiers:
                return re.sub(r"^\[[^]]*\]", "", specifiers).strip(" ()")
    return ""


def incompatible(package: str, missing: str) -> IncompatibleDependencyError:
    """The error for a library that does not have what Condit relies on.

    Args:
        package: its name on PyPI.
        missing: what it should have and does not, as a clause ("its models take no position ids").
    """
    wanted = supported(package)
    return IncompatibleDependencyError(
        f"{package} {installed(package) or '(no version known)'} does not fit this version of "
        f"Condit ({installed('condit')}): {missing}. Condit is tested with {package} {wanted}: "
        f"pip install '{package}{wanted}', or install a newer Condit",
        package=package,
        reason=missing,
    )


@contextmanager
def importing(package: str) -> Iterator[None]:
    """A context for imports of names that ``package`` should have.

    Raises:
        IncompatibleDependencyError: it has no such name.
        MissingDependencyError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if installed(package) is None:
            raise MissingDependencyError(
                f"{package} is not installed: pip install '{package}{supported(package)}'"
            ) from error
        raise incompatible(package, f"it has no module {error.name}") from error
    except ImportError as error:
        # Other errors, as of a shared library that does not load, say what is wrong.
        if "cannot import name" not in error.msg:
            raise
        raise incompatible(package, error.msg.split(" (")[0]) from error


def lacking(holder: object, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that are no attributes of ``holder``."""
    return [name for name in names if not hasattr(holder, name)]


def require(package: str, holder: object, names: Iterable[str]) -> None:
    """Check that ``holder``, which belongs to ``package``, has all these attributes.

    Raises:
        IncompatibleDependencyError: it lacks some; the message names them.
    """
    if missing := lacking(holder, names):
        name = getattr(holder, "__qualname__", None) or getattr(holder, "__name__", str(holder))
        raise incompatible(package, f"its {name} has no {', '.join(missing)}")


@dataclass(frozen=True)
class Package:
    """A dependency of Condit.

    Attributes:
        name: on PyPI.
        installed: its version, or ``None``.
        supported: the range of versions that Condit asks for.
        problem: what its probe found missing; ``""`` where nothing is, and for packages without a
            probe.
    """

    name: str
    installed: str | None
    supported: str
    problem: str = ""


def packages() -> list[Package]:
    """Condit's dependencies, those of its extras for models included.

    Probes of installed packages are run, which imports them: seconds for torch.
    """
    found: dict[str, Package] = {}
    for line in requires("condit") or ():
        named = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)
        if not named or _canonical(named[0]) == "condit" or (extra and extra[1] not in _EXTRAS):
            continue
        name = named[0]
        found.setdefault(name, Package(name, installed(name), supported(name), problem(name)))
    return list(found.values())


def problem(package: str) -> str:
    """What the probe of an installed package found missing; ``""`` if nothing."""
    module = f"condit.foreign.{_canonical(package).replace('-', '_').removesuffix('_python')}"
    if installed(package) is None or find_spec(module) is None:
        return ""
    try:
        probe = getattr(import_module(module), "probe", None)
        if probe is not None:
            probe()
    except IncompatibleDependencyError as error:
        return error.reason
    except ImportError as error:
        return f"it cannot be imported: {error}"
    return ""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
