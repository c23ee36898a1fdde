"""Seconds: every contestant at every setting with the model itself, one at a time, by turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import condit
from bench.fidelity import store
from bench.fidelity.contestants import CONTESTANTS
from bench.fidelity.replay import Results
from bench.fidelity.sessions import ConditSession, GenlmSession, Session, close_workers
from bench.fidelity.worlds import PROBLEMS
from bench.library.calls import load
from bench.library.progress import counting
from bench.library.run import console
from bench.library.workers import WorkerError
from condit.errors import ConditError
from condit.model.smollm2 import directory
from condit.sampler.base import Problem

Times = dict[str, dict[str, dict[str, Any]]]
"""World, contestant, setting: ``seconds`` and ``positions`` of each round."""


def clock(
    worlds: Sequence[str],
    contestants: Sequence[str],
    results: Results,
    *,
    rounds: int,
    seed: int,
) -> Times:
    """Time whole runs in bfloat16 on one thread: binding the constraint and the prompt included.

    In each world a round at the first setting warms up and is not kept. Contestants whose replay
    failed are left out.
    """
    model = load(dtype="bfloat16")
    times: Times = {}
    timed = [who for who in contestants if CONTESTANTS[who].timed]
    with counting(console, "seconds", len(worlds) * (rounds + 1) * len(timed)) as bar:
        for name in worlds:
            problem = PROBLEMS[name]
            prompt = tuple(model.encode_prompt(problem.prompt))
            constraint = problem.constraint()

            def real(
                lanes: int,
                prompt: tuple[int, ...] = prompt,
                constraint: condit.Constraint = constraint,
                most: int = problem.max_tokens,
            ) -> Problem:
                return Problem(model, prompt, constraint, lanes, most)

            able = [who for who in timed if "error" not in results[name][who]]
            sessions: dict[str, Session] = {}
            times[name] = {
                who: {
                    str(setting): {"seconds": [], "positions": []}
                    for setting in CONTESTANTS[who].timed
                }
                for who in able
            }
            for turn in range(rounds + 1):
                for who in able:
                    bar.say(f"seconds: {name}, round {turn}, {who}")
                    try:
                        if who not in sessions:
                            sessions[who] = (
                                GenlmSession(store.file_of(problem), str(directory()), prompt)
                                if CONTESTANTS[who].peer == "genlm"
                                else ConditSession(CONTESTANTS[who], real)
                            )
                        _round(sessions[who], times[name][who], turn, seed)
                    except (ConditError, WorkerError) as error:
                        console.print(f"failed: {who} in {name}: {error}", style="red")
                    bar.advance()
    close_workers()
    return times


def _round(session: Session, kept: dict[str, Any], turn: int, seed: int) -> None:
    settings = [int(setting) for setting in kept]
    if turn == 0:
        session.replicate(seed, settings[:1])
        return
    drawn = session.replicate(seed + turn, settings)
    for setting, run in zip(settings, drawn, strict=True):
        kept[str(setting)]["seconds"].append(round(run.seconds, 4))
        kept[str(setting)]["positions"].append(run.positions)
