"""Forget packages that an interrupted pip left half installed, so that pip installs them again.

Run with the interpreter of the environment. pip takes a package for installed as soon as its
metadata is there; the list of its files, ``RECORD``, is written last.
"""

from __future__ import annotations

import shutil
import sysconfig
from importlib.metadata import Distribution
from pathlib import Path

PACKAGES = Path(sysconfig.get_path("purelib"))


def whole(package: Distribution) -> bool:
    """Whether every file that the package lists is there, with its size."""
    if not package.read_text("METADATA") or not package.files:
        return False
    for file in package.files:
        path = Path(str(package.locate_file(file)))
        # Byte code comes and goes.
        if path.suffix == ".pyc":
            continue
        if not path.exists() or file.size not in (None, path.stat().st_size):
            return False
    return True


def main() -> None:
    """Remove the metadata of what is not whole, and what pip had moved aside."""
    for home in PACKAGES.glob("*.dist-info"):
        if not whole(Distribution.at(home)):
            print(f"half installed, to be installed again: {home.stem}")
            shutil.rmtree(home, ignore_errors=True)
    for aside in PACKAGES.glob("~*"):
        shutil.rmtree(aside, ignore_errors=True)


if __name__ == "__main__":
    main()
