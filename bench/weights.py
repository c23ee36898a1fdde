"""What an exact local weight costs, and how much noise it leaves, along texts of SmolLM2.

Texts are drawn by masks. At every token of them each kernel draws several times from the model's
logits there. What counts is the variance of ``log w`` given the token that was drawn: summed over a
text, it is the noise that the kernel adds to the log weight of that text. The microseconds are
those of single calls, in processor time, beside which other work may run.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np

import condit
from bench.library.calls import load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run, console
from bench.wild.tasks import TASKS
from condit.constraint.base import Matcher
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw
from condit.sampler.local import LocalSampler


class Case(NamedTuple):
    prompt: str
    source: dict[str, Any] | str
    tokens: int


_NAMES = {
    "type": "object",
    "properties": {
        "author": {"type": "string", "pattern": "^[A-Z][a-z]+( [A-Z][a-z]+)*$"},
        "note": {"type": "string"},
    },
    "required": ["author", "note"],
    "additionalProperties": False,
}
CASES = {
    "ticket, 120 tokens": Case(TASKS["ticket"].prompt, TASKS["ticket"].source, 120),
    "ticket, 45 tokens": Case(TASKS["ticket"].prompt, TASKS["ticket"].source, 45),
    "names and a note, 40 tokens": Case("Who wrote the note, as JSON:", _NAMES, 40),
}
KERNELS: dict[str, LocalSampler] = {
    "AWRS(looks=1)": condit.AWRS(looks=1),
    "AWRS(looks=4)": condit.AWRS(looks=4),
    "Masked()": condit.Masked(),
    "AWRS()": condit.AWRS(),
}
_CHECKED = 4
"""So many of the likeliest tokens of the mask are asked about at each place."""


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("weights", __doc__, rounds=2, threads=1)
    add_choice(parser, "case", CASES)
    parser.add_argument("--draws", type=int, default=8, help="of each kernel at each token")
    options = parser.parse_args(arguments)
    raw: dict[str, Any] = {}
    with Run("weights", options) as run:
        model = load(options.threads)
        for name in options.case:
            raw[name] = []
            for seed in range(options.rounds):
                console.print(f"{name}, text {seed + 1}")
                raw[name].append(_along_a_text(model, CASES[name], seed, options.draws))
    run.keep({"cases": raw}, _tables(raw))


def _along_a_text(model: condit.Model, case: Case, seed: int, draws: int) -> dict[str, Any]:
    constraint = condit.json_schema(case.source)
    drawn = condit.generate(
        model, case.prompt, constraint, max_tokens=case.tokens, sampler="masked", seed=seed
    ).samples[0]
    prompt = tuple(model.encode_prompt(case.prompt))
    matcher = Problem(model, prompt, constraint, 1, case.tokens, finish=True).bind()
    if matcher is None:
        raise RuntimeError("there is a constraint, so there is a matcher")
    decoder, rng = model.start(prompt, 1), np.random.default_rng(seed)
    variances: dict[str, float] = dict.fromkeys(KERNELS, 0.0)
    spent: dict[str, list[float]] = defaultdict(list)
    for token in drawn.tokens:
        law = BaseLaw().at(decoder.logits[0], model.vocabulary)
        engine = matcher.within.copy()
        _timed(spent["a mask of the engine"], engine.mask)
        for each in _likely(law.mass, engine, len(model.vocabulary)):
            _timed(spent["a check of one token"], lambda: matcher.copy().allows(each))  # noqa: B023
        for who, kernel in KERNELS.items():
            variances[who] += _variance(kernel, decoder.logits[0], matcher, rng, draws, spent[who])
        matcher.advance(token)
        decoder.advance([(token,)])
    return {"text": drawn.text, "variances": variances, "microseconds": spent}


def _likely(mass: Callable[[int], float], matcher: Matcher, size: int) -> list[int]:
    """The likeliest tokens that the constraint alone allows."""
    offered = [token for token in range(size) if mass(token) > 1e-3]
    allowed = [token for token in offered if matcher.allows(token)]
    return sorted(allowed, key=mass, reverse=True)[:_CHECKED]


def _variance(
    kernel: LocalSampler,
    logits: Any,
    matcher: Matcher,
    rng: np.random.Generator,
    draws: int,
    spent: list[float],
) -> float:
    """The variance of ``log w`` at one place, within the draws of each token."""
    found: dict[int | None, list[float]] = defaultdict(list)
    for _ in range(draws):
        law, here = BaseLaw().at(logits, matcher.vocabulary), matcher.copy()
        draw = _timed(spent, lambda: kernel.draw(law, here, rng))  # noqa: B023 (called at once)
        found[draw.token].append(draw.log_weight)
    several = [weights for weights in found.values() if len(weights) > 1]
    freedom = sum(len(weights) - 1 for weights in several)
    squares = sum(float(np.var(weights)) * len(weights) for weights in several)
    return squares / freedom if freedom else 0.0


def _timed(spent: list[float], call: Callable[[], Any]) -> Any:
    began = time.thread_time_ns()
    result = call()
    spent.append((time.thread_time_ns() - began) / 1000)
    return result


def _tables(raw: dict[str, Any]) -> str:
    rows = []
    for who in KERNELS:
        sums = [[text["variances"][who] for text in texts] for texts in raw.values()]
        rows.append([who, *(f"{np.mean(each):.2g}" for each in sums)])
    noise = table(["variance of log w, summed over a text", *raw], rows)
    whats = next(iter(raw.values()))[0]["microseconds"]
    rows = [
        [
            what,
            *(
                _spread([x for text in texts for x in text["microseconds"][what]])
                for texts in raw.values()
            ),
        ]
        for what in whats
    ]
    return noise + "\n" + table(["microseconds: median, 90 %, 99 %", *raw], rows)


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.0f}, {np.percentile(values, 90):.0f}, {np.percentile(values, 99):.0f}"
