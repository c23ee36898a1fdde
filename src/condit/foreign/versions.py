"""Which versions of other libraries are installed, and which Condit was tried with."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version

from condit.errors import IncompatibleDependencyError


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
    )


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
