"""Writes the file of answers anew: without those that failed, or in the order of their rows.

The new file is written beside the old one. Once the disk has it, the manifest says in one
transaction where its answers are and that the file is to be replaced, and then it is. Whenever the
process dies, either the old file and the old manifest stand, or `finish` does the rest.
"""

from __future__ import annotations

import os
from pathlib import Path

from condit.batches.manifest import Manifest


def beside(path: Path) -> Path:
    """The new file, as long as it is not in its place."""
    return path.with_name(path.name + ".new")


def rewrite(path: Path, manifest: Manifest, *, without_failed: bool) -> None:
    """Write the answers at ``path`` anew, all of which the manifest knows and the disk has.

    Args:
        path: the file of answers.
        manifest: knows where they are.
        without_failed: leave out those with an error, and keep the others as they come; else all
            are kept, in the order of their rows.
    """
    end = 0
    with path.open("rb") as old, beside(path).open("wb") as new:
        for line, start, stop in manifest.spans(without_failed=without_failed):
            old.seek(start)
            new.write(old.read(stop - start))
            end += stop - start
            manifest.move(line, end)
        new.flush()
        os.fsync(new.fileno())
    manifest.moved()
    finish(path, manifest)


def finish(path: Path, manifest: Manifest) -> None:
    """Put a new file in its place, if one is ready."""
    new = beside(path)
    if not manifest.has_moved:
        new.unlink(missing_ok=True)
        return
    if new.exists():
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    manifest.settled()
