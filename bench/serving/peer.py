from __future__ import annotations

from typing import Any

from bench.library.run import Run


def measure(run: Run, options: Any) -> tuple[str, list[str]]:
    raise NotImplementedError
