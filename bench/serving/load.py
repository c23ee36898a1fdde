"""Many requests of all kinds at once: is each answered, once, rightly, as the library would?"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx2

from bench.library.calls import load
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import spread
from bench.serving.answers import Answer, ask
from bench.serving.clients import Clients
from bench.serving.leaving import leave
from bench.serving.server import Server, answered, condit, metrics
from bench.serving.wishes import PATHS, PROTOCOLS, Wish, wishes


def measure(run: Run, options: Any) -> tuple[str, list[str]]:
    """The table, and what is wrong."""
    wanted = wishes(options.requests, options.leaving)
    at_once = options.at_once
    with condit("load", at_once, options.threads, "--queue", "1000") as server:
        began = time.perf_counter()
        answers = _asked(run, server, wanted, at_once)
        seconds = time.perf_counter() - began
        with server.client() as client:
            told = _quiet(client)
            left = [leave(server, turn) for turn in range(options.leavers)]
    model = load(options.threads)
    again = random.Random(options.seed).sample(
        [number for number, wish in enumerate(wanted) if not wish.leaves],
        min(options.redone, sum(not wish.leaves for wish in wanted)),
    )
    same = {number: _same(wanted[number].alone(model), answers[number].text) for number in again}
    for number, (wish, answer) in enumerate(zip(wanted, answers, strict=True)):
        run.note(
            {"case": "load", "wish": wish.name, "number": number, "leaves": wish.leaves}
            | {"status": answer.status, "error": answer.error, "text": answer.text}
            | {"reason": answer.reason, "seconds": round(answer.seconds, 4)}
            | ({"same": same[number]} if number in same else {})
        )
    for each in left:
        run.note({"case": "leaving", **each})
    wrong = _wrong(wanted, answers, same, told, left)
    tokens = told["condit_tokens_total"]
    rows = [
        *[_row(protocol, wanted, answers, same) for protocol in PROTOCOLS],
        _row("", wanted, answers, same),
    ]
    heads = ["load", "asked", "left", "answered", "constrained", "valid"]
    shown = table([*heads, "whole", "redone", "same", "seconds"], rows)
    steps = [each["forwards"] for each in left]
    shown += (
        f"\n\n{len(wanted)} requests, {at_once} at once, in {seconds:.0f} s: "
        f"{len(wanted) / seconds:.1f} a second, {tokens / seconds:.0f} tokens a second. "
        f"Forwards that ended between leaving and free lanes: {spread(steps, 0)}."
    )
    return shown, wrong


def _asked(run: Run, server: Server, wanted: Sequence[Wish], at_once: int) -> list[Answer]:
    """The answers, in order."""

    def one(client: httpx2.Client, wish: Wish) -> Answer:
        began = time.perf_counter()
        answer = ask(client, wish)
        answer.seconds = time.perf_counter() - began
        return answer

    with run.counting("requests", len(wanted)) as bar, Clients(server, at_once) as clients:
        return clients.map(one, wanted, bar.advance)


def _quiet(client: httpx2.Client) -> dict[str, float]:
    """What the server counts once nothing is drawn."""
    end = time.monotonic() + 10
    while (told := metrics(client))["condit_drawing"] and time.monotonic() < end:
        time.sleep(0.1)
    return told


def _same(alone: str, served: str) -> bool:
    if alone == served:
        return True
    try:  # Anthropic's calls have objects, not texts of them
        return bool(json.loads(alone) == json.loads(served))
    except ValueError:
        return False


def _wrong(
    wanted: Sequence[Wish],
    answers: Sequence[Answer],
    same: dict[int, bool],
    told: dict[str, float],
    left: Sequence[dict[str, Any]],
) -> list[str]:
    found = []
    for number, (wish, answer) in enumerate(zip(wanted, answers, strict=True)):
        if wish.leaves:
            if answer.error != "left":
                found.append(f"{wish.name} {number} was to leave: {answer.error or answer.text}")
        elif answer.status != 200 or answer.error:
            found.append(f"{wish.name} {number} has no answer: {answer.status} {answer.error}")
        elif not wish.is_right(answer.text):
            found.append(f"{wish.name} {number}: {answer.text!r} is not valid")
    found += [
        f"{wanted[number].name} {number} is not the library's"
        for number in same
        if not same[number]
    ]
    ids = Counter(answer.id for answer in answers if answer.id)
    found += [f"{count} answers have the id {name}" for name, count in ids.items() if count > 1]
    asked = Counter(PATHS[wish.protocol] for wish in wanted)
    counted: Counter[str] = Counter()
    for name, count in answered(told).items():
        counted[name.split()[0]] += count
    for path, count in asked.items():
        if counted[path] != count:
            found.append(f"{path}: {count} were sent, and {counted[path]} counted there")
    for name in ("condit_drawing", "condit_waiting", "condit_lanes", "condit_failed_total"):
        if told[name]:
            found.append(f"{name} is {told[name]:.0f} when all is done")
    late = [each for each in left if each["forwards"] > 1]
    if late:
        found.append(f"{len(late)} who left kept their lanes for more than the forward under way")
    return found


def _row(
    protocol: str, wanted: Sequence[Wish], answers: Sequence[Answer], same: dict[int, bool]
) -> list[str]:
    pairs = [
        (number, wish, answer)
        for number, (wish, answer) in enumerate(zip(wanted, answers, strict=True))
        if protocol in ("", wish.protocol)
    ]
    stay = [(wish, answer) for _, wish, answer in pairs if not wish.leaves]
    bound = [(wish, answer) for wish, answer in stay if wish.kind != "free"]
    redone = [same[number] for number, _, _ in pairs if number in same]
    numbers = [
        len(pairs),
        len(pairs) - len(stay),
        sum(answer.status == 200 and not answer.error for _, answer in stay),
        len(bound),
        sum(wish.is_right(answer.text) for wish, answer in bound),
        sum(answer.reason not in CUT for _, answer in bound),
        len(redone),
        sum(redone),
    ]
    seconds = spread([answer.seconds for _, answer in stay], 2)
    return [protocol or "all", *map(str, numbers), seconds]


CUT = ("length", "max_tokens", "incomplete")
"""Reasons of texts that the limit of tokens ended."""
