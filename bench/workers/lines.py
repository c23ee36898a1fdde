"""The worker's side of the JSON lines: answer each request until the input ends.

Only the standard library, so that any peer's environment can run it. Whatever a library prints
goes to standard error; standard output carries answers alone.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

Handler = Callable[[Any], dict[str, Any]]

THREADS = int(os.environ.get("BENCH_THREADS", "1"))


def serve(handlers: dict[str, Handler]) -> None:
    """Read ``{"verb": argument}`` lines; answer each with what ``handlers[verb]`` returns."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        ((verb, argument),) = json.loads(line).items()
        try:
            answer = handlers[verb](argument)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The installed versions of ``packages``, for the record."""
    found = {"python": sys.version.split()[0]}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found
