"""Recorded worlds on disk, so that a bench walks a world only once. Workers read them too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import track

import condit
from bench.fidelity.worlds import PROBLEMS, FiniteProblem
from bench.library.calls import load as load_model
from condit.model.base import Model
from condit.testing import FiniteWorld, RecordedModel
from condit.vocabulary import Vocabulary

MODEL = "smollm2"

FOLDER = user_cache_path("condit-bench") / "worlds"


def file_of(problem: FiniteProblem) -> Path:
    """Where its world is kept; another prompt, constraint or version of Condit has another."""
    key = json.dumps(
        [
            MODEL,
            "float32",
            problem.prompt,
            repr(problem.constraint()),
            problem.max_tokens,
            condit.__version__,
        ]
    )
    return FOLDER / f"{problem.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.npz"


def walk(problem: FiniteProblem, model: Model) -> FiniteWorld:
    """Walk it with the model itself, and keep it."""
    world = FiniteWorld.walk(model, problem.constraint(), problem.prompt, problem.max_tokens)
    save(world, file_of(problem))
    return world


def walk_missing(names: Sequence[str], console: Console) -> None:
    """Walk and keep the worlds that no earlier run has left."""
    missing = [PROBLEMS[name] for name in names if not file_of(PROBLEMS[name]).exists()]
    if not missing:
        return
    model = load_model(dtype="float32")
    for problem in track(missing, "walking worlds", console=console):
        walk(problem, model)


def save(world: FiniteWorld, file: Path) -> None:
    """Everything but the constraint, as plain arrays."""
    vocabulary, prefixes = world.model.vocabulary, list(world.model.rows)
    padded = np.full((len(prefixes), max(map(len, prefixes))), -1, dtype=np.int32)
    for row, prefix in enumerate(prefixes):
        padded[row, : len(prefix)] = prefix
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez_compressed(
        part,
        bytes=np.frombuffer(b"".join(vocabulary.bytes), dtype=np.uint8),
        byte_lengths=np.array([len(spelled) for spelled in vocabulary.bytes]),
        end=vocabulary.end,
        max_tokens=world.max_tokens,
        prefixes=padded,
        prefix_lengths=np.array([len(prefix) for prefix in prefixes]),
        logits=world.model.table,
        allowed=world.allowed,
        ids=world.ids,
    )
    part.replace(file)


def load(problem: FiniteProblem) -> FiniteWorld:
    """The world that was kept."""
    with np.load(file_of(problem)) as saved:
        spelled = saved["bytes"].tobytes()
        ends = np.cumsum(saved["byte_lengths"])
        starts = ends - saved["byte_lengths"]
        vocabulary = Vocabulary(
            [spelled[a:b] for a, b in zip(starts, ends, strict=True)], int(saved["end"])
        )
        rows = zip(saved["prefixes"], saved["prefix_lengths"], strict=True)
        prefixes = [tuple(row[:length].tolist()) for row, length in rows]
        model = RecordedModel(MODEL, vocabulary, problem.prompt, prefixes, saved["logits"])
        return FiniteWorld(
            model,
            problem.constraint(),
            int(saved["max_tokens"]),
            saved["allowed"],
            saved["ids"],
        )
