"""Condit's answers about pairs of patterns, each as if nothing were known of them."""

from __future__ import annotations

import gc
import time
from typing import Any

from lines import serve, versions

import condit
from condit.regular import argument, equivalent, includes, is_empty


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """``{"question": ..., "patterns": [...]}``: the answer, and processor seconds."""
    question, (first, second) = request["question"], request["patterns"]
    if not request.get("again"):
        argument.forget()
    begun = time.process_time()
    if question == "equivalent":
        answer = equivalent(first, second)
    elif question == "includes":
        answer = includes(first, second)
    else:
        answer = is_empty(condit.regex(first) & condit.regex(second))
    return {"answer": answer, "seconds": time.process_time() - begun}


def load(_: Any) -> dict[str, Any]:
    equivalent("[a-z]+", r"\w*")
    gc.freeze()
    return {"versions": versions(["condit", "regex"])}


if __name__ == "__main__":
    serve({"load": load, "ask": ask})
