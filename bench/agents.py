"""Agents with random specifications and failing tools: how many keep to theirs, and end.

The same tasks by free prompting beside it: the model gets the same description and example, writes
an event at a time, its calls are answered, and its transcript is judged by the same definition. It
is read as loops of agents read: each event is begun for it by a ``<``, tags are looked for anywhere
in what was written, white space around the text does not count, and a closing tag may be missing.
"""

from __future__ import annotations

import itertools
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import condit
from bench.library.options import parser_of
from bench.library.results import table
from bench.library.run import Run
from condit.behave.agent import Agent
from condit.behave.tools import OUTCOMES
from condit.errors import BudgetError, ConditError, UnrealizableError, UnsatisfiableError
from condit.model.base import Model
from condit.model.shared import together
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
_EVENTS = 12
_TEMPERATURE = 0.7
_LIMITS: dict[str, Any] = {"max_events": _EVENTS, "max_tokens": 120, "max_event_tokens": 32}


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
    parser.add_argument("--at-once", type=int, default=8, help="runs that share forwards")
    options = parser.parse_args(arguments)
    with Run("agents", options) as run:
        model = condit.load(options.model or "smollm2")
        with run.counting("runs", options.runs) as bar:
            # One after the other is taken, as some random specifications do not fit the limits.
            calls = _calls(random.Random(options.seed))
            done = together(model, calls, at_once=options.at_once)
            for pair in filter(None, (each.result() for each in done)):
                run.note(pair)
                bar.advance()
                if len(run.records) == options.runs:
                    break
        raw = {name: [each[name] for each in run.records] for name in ("specified", "free")}
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


def _calls(rng: random.Random) -> Iterator[Callable[[Model], dict[str, Any] | None]]:
    for seed in itertools.count():
        try:
            agent = _agent(rng)
        except (UnrealizableError, UnsatisfiableError):
            continue
        yield partial(_pair, agent, seed)


def _pair(agent: Agent, seed: int, model: Model) -> dict[str, Any] | None:
    """A task done in both ways; ``None``: no limit of events lets it end for sure."""
    try:
        example = agent.run(condit.load("ngram"), "", seed=seed, **_LIMITS).best.text
    except (UnrealizableError, UnsatisfiableError, BudgetError):
        return None
    asked = f"{agent.describe()}\n\nFor example:\n{example}"
    prompt = model.encode_prompt([{"role": "user", "content": asked}])
    return {
        "specified": _specified(agent, model, prompt, seed),
        "free": _free(agent, model, prompt, seed),
    }


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


def _specified(agent: Agent, model: Model, prompt: list[int], seed: int) -> dict[str, Any]:
    began = time.monotonic()
    done = agent.run(model, prompt, seed=seed, temperature=_TEMPERATURE, **_LIMITS).best
    return {
        "violated": not _holds(agent, done.names) or not agent.specification.accepts(done.text),
        "ended": bool(done.reason),
        "seconds": time.monotonic() - began,
        "events": len(done.events),
        "formula": str(agent.specification.formula),
    }


def _free(agent: Agent, model: Model, prompt: list[int], seed: int) -> dict[str, Any]:
    """The model writes what it likes; what reads as an event is one, and a call is answered."""
    began, tokens, ended, wrong = time.monotonic(), list(prompt), False, ""
    names: list[str] = []
    form = agent.form
    opening = re.compile(rf"<({'|'.join(map(re.escape, agent.contents))})>")
    for step in range(_EVENTS):
        try:
            sample = condit.generate(
                model,
                # As prompts of agents end with "Thought:", so that an event follows.
                [*tokens, *model.encode("<")],
                max_tokens=32,
                temperature=_TEMPERATURE,
                sampler="masked",
                seed=1000 * seed + step,
                stop=[form.closed(name).strip() for name in agent.contents],
            ).best
        except ConditError as error:
            wrong = str(error)
            break
        found = opening.search(f"<{sample.text}")
        if found is None:
            ended = sample.finish_reason == "stop"
            wrong = "" if ended and names else f"no event: {sample.text!r}"
            break
        name, text = found[1], sample.text[found.end() - 1 :].strip()
        names.append(name)
        tokens = [*tokens, *model.encode(form.written(name, text))]
        tool = agent.tools.get(name)
        if tool is not None:
            if not tool.content.accepts(text):
                wrong = f"an ill-formed call: {text!r}"
                break
            outcome = tool.call(text)
            names.append(outcome.event)
            said = form.escaped(outcome.text, (*agent.contents, *OUTCOMES))
            tokens += model.encode(form.written(outcome.event, said))
    return {
        "violated": bool(wrong) or not _holds(agent, names),
        "wrong": wrong,
        "ended": ended,
        "seconds": time.monotonic() - began,
        "events": len(names),
    }
