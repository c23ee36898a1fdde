"""A contestant at work in one world: replications, each a run for every setting.

The same code runs on a recorded world (exact counts, fast) and with the model itself (seconds).
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bench.fidelity.contestants import SESSION, Contestant
from bench.fidelity.drawn import Drawn, drawn_of, normalised
from bench.library.results import LOGS
from bench.library.venvs import python_of
from bench.library.workers import Worker
from condit.sampler.base import Problem, State


class Session(Protocol):
    """What a driver needs of a contestant."""

    def replicate(self, seed: int, settings: Sequence[int]) -> list[Drawn]:
        """An independent run for each setting, which ascend."""


class ConditSession:
    """A sampler of Condit, stepped from its first state to its last.

    Args:
        contestant: which.
        problem: makes the problem for a number of lanes.
    """

    def __init__(self, contestant: Contestant, problem: Callable[[int], Problem]) -> None:
        self._contestant = contestant
        self._problem = problem

    def replicate(self, seed: int, settings: Sequence[int]) -> list[Drawn]:
        if self._contestant.memory:
            return self._calls(seed, settings)
        if self._contestant.session:
            return [self._session(setting, seed) for setting in settings]
        return [self._run(setting, [seed, setting])[0] for setting in settings]

    def _calls(self, seed: int, settings: Sequence[int]) -> list[Drawn]:
        """Successive calls that share what they learn; positions and seconds add up."""
        from condit.sampler.trie import Trie

        trie = Trie()
        found = []
        positions, seconds = 0.0, 0.0
        for call in range(1, settings[-1] + 1):
            drawn, _ = self._run(call, [seed, call], trie=trie)
            positions += drawn.positions
            seconds += drawn.seconds
            if call in settings:
                found.append(replace(drawn, positions=positions, seconds=seconds))
        return found

    def _session(self, setting: int, seed: int) -> Drawn:
        """Many calls that share what they learn; what a call costs and draws on average."""
        from condit.sampler.trie import Trie

        trie = Trie()
        calls = [self._run(setting, [seed, setting, call], trie=trie)[0] for call in range(SESSION)]
        found = [call.weights for call in calls if call.weights]
        weights = {
            tokens: sum(call.get(tokens, 0.0) for call in found) / len(found)
            for tokens in dict.fromkeys(tokens for call in found for tokens in call)
        }
        return Drawn(
            normalised(weights),
            None,  # that of each call is unbiased, but they depend on one another
            sum(call.positions for call in calls) / SESSION,
            seconds=sum(call.seconds for call in calls) / SESSION,
        )

    def _run(self, setting: int, seed: list[int], **options: Any) -> tuple[Drawn, State]:
        contestant = self._contestant
        assert contestant.make is not None
        began = time.perf_counter()
        problem = self._problem(contestant.lanes(setting))
        problem = replace(problem, **options) if options else problem
        sampler = contestant.make(setting)
        rng = np.random.default_rng(seed)
        state = sampler.init(problem, rng)
        while not state.done:
            state, _ = sampler.step(rng, state)
        seconds = time.perf_counter() - began
        positions = state.positions_forwarded - len(problem.prompt)
        return drawn_of(state, positions, seconds, weighted=contestant.weighted), state


class GenlmSession:
    """genlm-control in its own environment; ``file`` is the recorded world.

    Args:
        file: the recorded world.
        model: its directory, to work with the model itself; ``None`` replays.
        prompt: token ids for that.
    """

    def __init__(self, file: Path, model: str | None = None, prompt: Sequence[int] = ()) -> None:
        self._worker = genlm_worker()
        self._real = model is not None
        if self._real:
            task = {"file": str(file), "directory": model, "prompt": list(prompt)}
            self._worker.ask({"open_real": task})
        else:
            self._worker.ask({"open": {"file": str(file)}})

    def replicate(self, seed: int, settings: Sequence[int]) -> list[Drawn]:
        if self._real:
            runs = [
                self._worker.ask({"run_real": {"seed": seed, "setting": setting}})
                for setting in settings
            ]
        else:
            runs = self._worker.ask({"replicate": {"seed": seed, "settings": list(settings)}})[
                "runs"
            ]
        return [_genlm_drawn(run) for run in runs]


def _genlm_drawn(run: dict[str, Any]) -> Drawn:
    weights: dict[tuple[int, ...], float] = {}
    for tokens, weight in zip(run["texts"], run["weights"], strict=True):
        weights[tuple(tokens)] = weights.get(tuple(tokens), 0.0) + weight
    log_evidence = run["log_evidence"]
    return Drawn(
        normalised(weights),
        -np.inf if log_evidence is None else log_evidence,
        run["positions"],
        run.get("positions_shipped"),
        run.get("seconds", 0.0),
        run.get("crashes", 0),
    )


_workers: list[Worker] = []


def genlm_worker() -> Worker:
    """This process's worker, started when first asked for; it ends with the process."""
    if not _workers:
        name = multiprocessing.current_process().name.lower()
        log = LOGS / f"fidelity-genlm-{name}.log"
        _workers.append(Worker(python_of("genlm"), "fidelity_genlm.py", 1, log))
    return _workers[0]


def close_workers() -> None:
    """End this process's worker, if there is one."""
    while _workers:
        _workers.pop().close()
