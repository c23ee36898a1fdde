"""A contestant that fails is reported as failed, and the others go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from bench.library.workers import WorkerError


@contextmanager
def noting_failure(record: dict[str, Any], console: Console) -> Iterator[None]:
    """Put a worker's error into ``record["error"]`` instead of letting it end the bench."""
    try:
        yield
    except WorkerError as error:
        record["error"] = str(error)
        console.print(f"failed: {error}", style="red", markup=False, highlight=False)
