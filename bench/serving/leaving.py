"""How many forwards there are between the moment that somebody leaves and that of free lanes."""

from __future__ import annotations

import time
from typing import Any

from bench.library.calls import asked
from bench.serving.server import Server, metrics

_SECONDS = 10.0


def leave(server: Server, turn: int) -> dict[str, Any]:
    """Two write long texts; one of them leaves in the middle, and the other goes on.

    Returns:
        the seconds and the forwards until the lanes of who left were free, as the server tells.
        The forward that was under way counts as one.
    """

    def body(number: int) -> dict[str, Any]:
        return {
            "messages": asked(f"Write something long, number {number}."),
            "stream": True,
            "max_tokens": 1500,
            "seed": number,
            "structured_outputs": {"regex": "[a-z ]{1200}"},
        }

    path = "/v1/chat/completions"
    with (
        server.client() as watching,
        server.client() as staying,
        server.client() as leaving,
        staying.stream("POST", path, json=body(2 * turn)) as stays,
    ):
        lines = stays.iter_lines()
        for _ in range(8):
            next(lines)
        with leaving.stream("POST", path, json=body(2 * turn + 1)) as leaves:
            other = leaves.iter_lines()
            for _ in range(8 + turn % 3):
                next(other)
            before = metrics(watching)
        began = time.perf_counter()
        while (now := metrics(watching))["condit_lanes"] >= before["condit_lanes"]:
            if time.perf_counter() - began > _SECONDS:
                break
        seconds = time.perf_counter() - began
    # The lanes of the other one must be free before the next turn.
    with server.client() as client:
        while metrics(client)["condit_lanes"]:
            time.sleep(0.01)
    return {
        "seconds": seconds,
        "forwards": now["condit_model_forwards"] - before["condit_model_forwards"],
        "lanes": [before["condit_lanes"], now["condit_lanes"]],
    }
