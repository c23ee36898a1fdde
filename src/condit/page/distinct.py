"""The different texts of a run with their weights, and what to do where none is valid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from condit.page.words import counted


@dataclass
class Distinct:
    """Equal texts as one.

    Attributes:
        text: what they all are.
        reason: their finish reason.
        valid: whether they have weight.
        weight: their summed share of the weight (linear).
        lanes: the indices of their lanes.
    """

    text: str
    reason: str
    valid: bool
    weight: float
    lanes: list[int]


def distinct(samples: Iterable[tuple[str, str, bool, float]]) -> list[Distinct]:
    """The different texts, the heaviest first; those without weight come last.

    Args:
        samples: text, finish reason, whether it is valid, and share of the weight of each lane.
    """
    found: dict[tuple[str, str, bool], Distinct] = {}
    for lane, (text, reason, valid, weight) in enumerate(samples):
        each = found.setdefault((text, reason, valid), Distinct(text, reason, valid, 0.0, []))
        each.weight += weight
        each.lanes.append(lane)
    return sorted(found.values(), key=lambda each: (not each.valid, -each.weight))


_ADVICE = {
    "length": "met max_tokens unfinished: raise max_tokens, or loosen the constraint",
    "dead_end": "came where nothing allowed had any probability, or were refused at their end: "
    "draw more lanes, or loosen the constraint",
    "rejected": "found no attempt that was accepted: allow more attempts, or take another sampler",
}


def hint(texts: Sequence[Distinct]) -> str:
    """What to do where no text is valid; empty if one is."""
    if any(each.valid for each in texts):
        return ""
    ends: Counter[str] = Counter()
    for each in texts:
        ends[each.reason] += len(each.lanes)
    if not ends:
        return "There is no text."
    reason, often = ends.most_common(1)[0]
    advice = _ADVICE.get(reason, f"ended with {reason}")
    return f"No text is valid: {often:,} of {counted(ends.total(), 'lane')} {advice}."
