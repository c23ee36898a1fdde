"""Checks what ``draw.py`` has drawn against Condit's own law: python verify.py DRAWS.

Run by scripts/vllm, in Condit's environment, without vLLM. Logits are of the same weights in
float32, one forward for each text. Three things are checked:

1. The log weight and log probability of each text, against those that its tokens have by the
   matcher and these logits. Both sides compute in float32, in different orders: ``TOLERANCE``.
2. How often each sequence of tokens was drawn, where all can be enumerated, against its exact
   probability ``q = p / w``. By Chernoff's bound ``k`` of ``N`` draws have ``N KL(k/N || q)`` above
   ``L`` with probability at most ``2 exp(-L)``.
3. The mean weight against the exact evidence, by Bernstein's inequality.

All checks of the second and third kind together fail by chance with probability at most 1e-6.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from condit_vllm.request import constraint_of, specification_of

import condit
from condit.constraint.base import Matcher
from condit.sampler.kernels import allowed_tokens

TOLERANCE = 2e-3
FALSE_ALARM = 1e-6
ENUMERATED = ("cities", "digits, temperature 0.7")

model: Any = condit.load("smollm2", dtype="float32")
vocabulary = model.vocabulary
ENDS = sorted(vocabulary.ends)


@torch.inference_mode()
def laws(prompt: list[int], tokens: tuple[int, ...], temperature: float) -> torch.Tensor:
    """Log-probabilities after the prompt and each further token, all ends in one."""
    logits = model.module(torch.tensor([[*prompt, *tokens]])).logits[0, len(prompt) - 1 :]
    law = torch.log_softmax(logits.double() / (temperature or 1.0), dim=-1)
    ending = law[:, ENDS].logsumexp(dim=-1)
    law[:, ENDS] = -math.inf
    law[:, vocabulary.end] = ending
    return law


def allowed_here(matcher: Matcher, tokens: int, most: int) -> Any:
    """The tokens that may come next; the end alone where one more would be cut."""
    allowed = allowed_tokens(matcher)
    if tokens == most and allowed[vocabulary.end]:
        allowed[:] = False
        allowed[vocabulary.end] = True
    return torch.from_numpy(allowed)


def weighed(
    run: Any, prompt: list[int], tokens: tuple[int, ...], ended: bool
) -> tuple[float, float]:
    """Natural logarithm of the weight and the probability of a text."""
    law = laws(prompt, tokens, run["temperature"])
    matcher = constraint_of(specification_of(run["constraint"])).bind(vocabulary)
    log_weight = log_probability = 0.0
    for place, token in enumerate((*tokens, vocabulary.end) if ended else tokens):
        allowed = allowed_here(matcher, place, run["max_tokens"])
        assert allowed[token], f"{vocabulary.decode(tokens)!r} is not allowed"
        log_weight += float(law[place, : len(allowed)][allowed].logsumexp(0))
        log_probability += float(law[place, token])
        matcher.advance(token)
    return log_weight, log_probability


def enumerated(run: Any, prompt: list[int]) -> Iterator[tuple[tuple[int, ...], float, float]]:
    """Every sequence of tokens that is allowed, with its log weight and log probability."""
    start = constraint_of(specification_of(run["constraint"])).bind(vocabulary)
    open_texts: list[tuple[tuple[int, ...], Matcher, float, float]] = [((), start, 0.0, 0.0)]
    while open_texts:
        tokens, matcher, log_weight, log_probability = open_texts.pop()
        law = laws(prompt, tokens, run["temperature"])[-1]
        allowed = allowed_here(matcher, len(tokens), run["max_tokens"])
        log_weight += float(law[: len(allowed)][allowed].logsumexp(0))
        for token in allowed.nonzero().flatten().tolist():
            ahead = log_probability + float(law[token])
            if token == vocabulary.end:
                yield tokens, log_weight, ahead
            elif len(tokens) < run["max_tokens"]:
                after = matcher.copy()
                after.advance(token)
                open_texts.append(((*tokens, token), after, log_weight, ahead))


def check_each(run: Any, prompt: list[int]) -> None:
    """Weights and probabilities of the texts that were drawn."""
    drawn = {(tuple(t), w, p, reason) for t, w, p, reason in run["draws"]}
    chosen = sorted(drawn, key=str)[:64]
    worst = [0.0, 0.0]
    for tokens, log_weight, log_probability, reason in chosen:
        exact = weighed(run, prompt, tokens, reason == "stop")
        # Greedily there are no weights; of a text that was cut there is none, by intention.
        if reason == "stop" and run["temperature"]:
            worst[0] = max(worst[0], abs(exact[0] - log_weight))
        elif reason != "stop":
            assert log_weight == -math.inf, (reason, log_weight)
        if reason == "stop":
            worst[1] = max(worst[1], abs(exact[1] - log_probability))
    print(f"{run['name']}: {len(chosen)} texts; largest difference of a log weight {worst[0]:.1e},")
    print(f"    of a log probability {worst[1]:.1e} (allowed: {TOLERANCE})")
    assert max(worst) <= TOLERANCE, worst


def check_law(run: Any, prompt: list[int]) -> None:
    """Frequencies and evidence, where every text can be enumerated."""
    law = {tokens: (w, p) for tokens, w, p in enumerated(run, prompt)}
    evidence = math.fsum(math.exp(p) for _, p in law.values())
    own = condit.generate(
        model,
        prompt,
        constraint_of(specification_of(run["constraint"])),
        sampler="exact",
        temperature=run["temperature"],
        max_tokens=run["max_tokens"],
        seed=0,
    )
    # The sampler estimates the evidence; what it knows for certain are bounds.
    lower, upper = own.report.log_lower_bound, own.report.log_upper_bound
    assert lower - 1e-4 <= math.log(evidence) <= upper + 1e-4, (lower, evidence, upper)
    size = len(run["draws"])
    counts = Counter(tuple(tokens) for tokens, *_ in run["draws"])
    assert set(counts) <= set(law)
    limit = math.log(2 * (len(law) + 1) * len(ENUMERATED) / FALSE_ALARM)
    farthest = 0.0
    for tokens, (log_weight, log_probability) in law.items():
        share, q = counts[tokens] / size, math.exp(log_probability - log_weight)
        divergence = sum(
            a * math.log(a / b) for a, b in ((share, q), (1 - share, 1 - q)) if a > 0 and b > 0
        )
        farthest = max(farthest, size * divergence)
    weights = np.exp([log_weight for _, log_weight, *_ in run["draws"]])
    highest = max(math.exp(w) for w, _ in law.values())
    variance = math.fsum(math.exp(p + w) for w, p in law.values()) - evidence**2
    bound = math.sqrt(2 * variance * limit / size) + highest * limit / (3 * size)
    print(
        f"    {len(law)} sequences in all; {size} draws: N KL to {farthest:.1f} (limit {limit:.1f})"
    )
    print(
        f"    evidence {weights.mean():.6g}, exactly {evidence:.6g}: off by "
        f"{abs(weights.mean() - evidence):.1e} of at most {bound:.1e}"
    )
    assert farthest <= limit
    assert abs(weights.mean() - evidence) <= bound


def main(file: str) -> None:
    with open(file) as opened:
        found = json.load(opened)
    for run in found["runs"]:
        check_each(run, found["prompt"])
        if run["name"] in ENUMERATED:
            check_law(run, found["prompt"])
    print("all as it should be")


if __name__ == "__main__":
    main(sys.argv[1])
