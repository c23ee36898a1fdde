"""Records the default model's own logits along the paths of ``overhead``'s cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lines import THREADS, serve

import condit
from condit.model.base import as_float32

torch.set_num_threads(THREADS)

ASK = {
    "regex": "Write a text that matches this regular expression: {}\n\n",
    "schema": "Write a JSON document that satisfies this JSON Schema: {}\n\n",
}


def record(world: dict[str, Any]) -> dict[str, Any]:
    model = condit.load("smollm2")
    room = 2048 - max(len(case["path"]) for case in world["cases"])
    files = []
    for index, case in enumerate(world["cases"]):
        prompt = model.encode_prompt(ASK[case["kind"]].format(case["source"]))[-room:]
        decoder = model.start(prompt)
        first = as_float32(decoder.logits[0])
        rest = decoder.advance([case["path"][:-1]])[0]
        rows = np.stack([first, *(as_float32(row) for row in rest)])
        assert rows.shape == (len(case["path"]), world["size"])
        file = Path(world["folder"]) / f"{index}.npy"
        np.save(file, rows)
        files.append(str(file))
    return {"files": files}


serve({"record": record})
