"""The replays: every contestant in every recorded world, on several processes."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import Any

from bench.fidelity import store
from bench.fidelity.contestants import CONTESTANTS, SESSION
from bench.fidelity.drawn import Drawn
from bench.fidelity.measure import Measure
from bench.fidelity.sessions import ConditSession, GenlmSession, Session
from bench.fidelity.worlds import PROBLEMS
from bench.library.progress import counting
from bench.library.run import console
from bench.library.workers import environment
from condit.testing import FiniteWorld, kullback_leibler, total_variation

Results = dict[str, dict[str, dict[str, Any]]]
"""World, contestant, and what was measured: ``settings`` by setting, or ``error``."""


def replay(
    worlds: Sequence[str],
    contestants: Sequence[str],
    *,
    runs: int,
    seed: int,
    processes: int,
) -> Results:
    """Measure every contestant in every world. A failure is noted, and the others go on."""
    os.environ.update(environment(threads=1))
    results: Results = {world: {} for world in worlds}
    context = multiprocessing.get_context("spawn")
    total = len(contestants) * len(worlds)
    with (
        counting(console, "replays", total) as bar,
        ProcessPoolExecutor(processes, mp_context=context) as pool,
    ):
        tasks: dict[Future[dict[str, Any]], tuple[str, str]] = {
            pool.submit(measure, world, who, runs, seed): (world, who)
            for who in contestants
            for world in worlds
        }
        for future in as_completed(tasks):
            world, who = tasks[future]
            try:
                results[world][who] = future.result()
            except Exception as error:
                results[world][who] = {"error": f"{type(error).__name__}: {error}"[:1000]}
                console.print(f"failed: {who} in {world}: {error}", style="red", markup=False)
            bar.advance(f"replays: {world}, {who}")
    for world, found in results.items():
        results[world] = {who: found[who] for who in contestants}
    return results


def measure(world_name: str, who: str, runs: int, seed: int) -> dict[str, Any]:
    """One contestant in one world, at all its settings."""
    problem, contestant = PROBLEMS[world_name], CONTESTANTS[who]
    world = store.load(problem)
    session: Session = (
        GenlmSession(store.file_of(problem))
        if contestant.peer == "genlm"
        else ConditSession(contestant, world.problem)
    )
    began = time.perf_counter()
    wanted = {setting: contestant.runs(setting, runs) for setting in contestant.settings}
    found: dict[int, list[Drawn]] = {setting: [] for setting in wanted}
    for replication in range(max(wanted.values())):
        settings = [setting for setting, number in wanted.items() if replication < number]
        drawn = session.replicate(seed + replication, settings)
        for setting, run in zip(settings, drawn, strict=True):
            found[setting].append(run)
    took = time.perf_counter() - began
    statistics = Measure(world, seed)
    return {
        "settings": {
            str(setting): statistics.of(
                drawn,
                contestant.lanes(setting) * (SESSION if contestant.session else 1),
                exact=who == "exact",
            )
            for setting, drawn in found.items()
        },
        "replay_seconds": round(took, 1),
    }


def describe(name: str) -> dict[str, Any]:
    """What is known exactly about a world."""
    problem = PROBLEMS[name]
    world: FiniteWorld = store.load(problem)
    posterior, masked = world.posterior, world.masked_law
    return {
        "about": problem.about,
        "prompt": problem.prompt,
        "constraint": repr(problem.constraint()),
        "max_tokens": problem.max_tokens,
        **exact(world),
        "texts": [
            [
                world.model.decode(tokens),
                len(tokens),
                float(f"{mass:.5g}"),
                float(f"{masked.get(tokens, 0.0):.5g}"),
            ]
            for tokens, mass in posterior.items()
        ],
    }


def exact(world: FiniteWorld) -> dict[str, Any]:
    """Evidence, sizes, and the exact distance of plain masking from the posterior."""
    posterior, masked = world.posterior, world.masked_law
    entropy = -math.fsum(mass * math.log(mass) for mass in posterior.values())
    lengths = [len(tokens) for tokens in posterior]
    return {
        "evidence": world.evidence,
        "sequences": len(posterior),
        "prefixes": len(world.model.rows),
        "support": round(math.exp(entropy), 2),
        "lengths": [min(lengths), max(lengths)],
        "masking_tv": round(total_variation(masked, posterior), 5),
        "masking_kl": round(kullback_leibler(masked, posterior), 5),
    }
