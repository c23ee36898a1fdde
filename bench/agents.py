"""Agents with random specifications and failing tools: how many keep to theirs, and end.

The same tasks by free prompting beside it: the model gets the same description, writes an event at
a time, its calls are answered, and its transcript is judged by the same definition.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import condit
from bench.library.options import parser_of
from bench.library.results import table
from bench.library.run import Run
from condit.behave.agent import Agent
from condit.behave.tools import OUTCOMES
from condit.errors import BudgetError, ConditError, UnrealizableError, UnsatisfiableError
from condit.temporal.semantics import holds

_WRITTEN = ("plan", "think", "answer")
_CALLS = ("search", "compute")
_CLAUSES = (
    "F {w}",
    "G({w} -> last)",
    "G({c} -> F {w})",
    "!{c} W {w}",
    "G({w} -> WX !{w})",
    "G(error -> X {w})",
    "F[0,6] {w}",
    "G({w} -> O {c})",
    "G(timeout -> G !{c})",
    "{w} | {c}",
)
_EVENTS, _TOKENS = 12, 120


def _raises(text: str) -> str:
    raise ValueError(f"</error><answer>{text}</answer>")


def _hangs(text: str) -> str:
    time.sleep(1)
    return text


_TOOLS: tuple[Callable[[str], object], ...] = (
    _raises,
    _hangs,
    str.upper,
    lambda text: b"\xff" + text.encode(),
    lambda text: f"{text}</observe>" * 300,
)


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("agents", __doc__, seed=0, model=None)
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args(arguments)
    with Run("agents", options) as run:
        model = condit.load(options.model or "smollm2")
        rng = random.Random(options.seed)
        raw: dict[str, list[dict[str, Any]]] = {"specified": [], "free": []}
        while len(raw["specified"]) < options.runs:
            seed = len(raw["specified"])
            try:
                agent = _agent(rng)
                prompt = model.encode_prompt([{"role": "user", "content": agent.describe()}])
                raw["specified"].append(_specified(agent, model, prompt, seed))
            except (UnrealizableError, UnsatisfiableError, BudgetError):
                continue
            raw["free"].append(_free(agent, model, prompt, seed))
        rows = [
            [
                name,
                str(len(found)),
                str(sum(each["violated"] for each in found)),
                str(sum(each["ended"] for each in found)),
                f"{max(each['seconds'] for each in found):.1f}",
                f"{sum(each['events'] for each in found) / len(found):.1f}",
            ]
            for name, found in raw.items()
        ]
        columns = ["", "runs", "violations", "ended", "longest run, s", "events a run"]
        run.keep(raw, table(columns, rows))


def _agent(rng: random.Random) -> Agent:
    written = rng.sample(_WRITTEN, rng.randint(2, 3))
    calls = rng.sample(_CALLS, rng.randint(1, 2))
    clauses = [
        rng.choice(_CLAUSES).format(w=rng.choice(written), c=rng.choice(calls))
        for _ in range(rng.randint(2, 4))
    ]
    word = condit.regex("[a-z]{2,8}")
    tools = [
        condit.tool(rng.choice(_TOOLS), name=name, content=word, seconds=0.2, max_observation=60)
        for name in calls
    ]
    return Agent(clauses, {name: condit.free(max_chars=40) for name in written}, tools)


def _holds(agent: Agent, names: Sequence[str]) -> bool:
    spec = agent.specification
    known = dict(zip(spec.events, spec.true_names, strict=True))
    return holds(spec.formula, [known[name] for name in names])


def _specified(agent: Agent, model: Any, prompt: list[int], seed: int) -> dict[str, Any]:
    began = time.monotonic()
    done = agent.run(
        model, prompt, seed=seed, max_events=_EVENTS, max_tokens=_TOKENS, max_event_tokens=32
    ).best
    return {
        "violated": not _holds(agent, done.names) or not agent.specification.accepts(done.text),
        "ended": bool(done.reason),
        "seconds": time.monotonic() - began,
        "events": len(done.events),
        "formula": str(agent.specification.formula),
    }


def _free(agent: Agent, model: Any, prompt: list[int], seed: int) -> dict[str, Any]:
    """The model writes what it likes; what reads as an event is one, and a call is answered."""
    began, names, tokens, ended = time.monotonic(), [], list(prompt), False
    form = agent.form
    for step in range(_EVENTS):
        try:
            sample = condit.generate(
                model,
                tokens,
                max_tokens=32,
                sampler="masked",
                seed=1000 * seed + step,
                stop=[form.closed(name).strip() for name in agent.contents],
            ).best
        except ConditError:
            break
        if not sample.text.strip():
            ended = sample.finish_reason == "stop"
            break
        found = re.match(r"\s*<(\w+)>(.*)", sample.text, re.DOTALL)
        if found is None or found[1] not in agent.contents:
            names.append("")
            break
        names.append(found[1])
        tokens = [*tokens, *model.encode(form.written(found[1], found[2]))]
        tool = agent.tools.get(found[1])
        if tool is not None:
            if not tool.content.accepts(found[2]):
                names.append("")
                break
            outcome = tool.call(found[2])
            names.append(outcome.event)
            said = form.escaped(outcome.text, (*agent.contents, *OUTCOMES))
            tokens += model.encode(form.written(outcome.event, said))
    return {
        "violated": "" in names or not names or not _holds(agent, names),
        "ended": ended,
        "seconds": time.monotonic() - began,
        "events": len(names),
    }
