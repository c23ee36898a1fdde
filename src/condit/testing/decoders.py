"""The laws of decoders: after any operations on a lane, its logits are those of a fresh forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from condit.model.base import Decoder, Draft, Logits, Model, as_float32, of_vocabulary
from condit.testing.laws import require
from condit.vocabulary import Vocabulary


def check_decoder(
    model: Model, rng: np.random.Generator, *, rounds: int = 30, tolerance: float = 1e-3
) -> None:
    """Mix admit, advance, drafts, fork, rewind and release at random; compare with fresh forwards.

    Args:
        model: the model.
        rng: random numbers for the operations and tokens.
        rounds: how many operations.
        tolerance: largest difference between log-probabilities; for floating-point rounding only,
            so that a model in 32 bits needs no more than 1e-3.

    Raises:
        BrokenLawError: which lane, after which operation, and by how much.
    """
    candidates = [token for token, spelled in enumerate(model.vocabulary.bytes) if spelled]

    def some_tokens(least: int) -> list[int]:
        return [int(token) for token in rng.choice(candidates, size=int(rng.integers(least, 5)))]

    prompt = some_tokens(2)
    decoder = model.start(prompt, lanes=3)
    lanes = [list(prompt) for _ in range(3)]
    prompts = [len(prompt)] * 3
    _compare(model, decoder, lanes, prompts, tolerance, "start")
    for _ in range(rounds):
        action = str(rng.choice(["advance", "advance", "fork", "rewind", "admit", "release"]))
        if action == "advance":
            new = [some_tokens(0) for _ in lanes]
            if len(lanes) > 1 and rng.random() < 0.5:
                new[1] = list(new[0])  # lanes that agree may share their work
            drafts = None
            if rng.random() < 0.5:
                drafts = [_some_tree(some_tokens, rng) for _ in lanes]
            before = decoder.positions_forwarded
            rows = decoder.advance(new, drafts)
            spent = decoder.positions_forwarded - before
            guesses = sum(len(draft.tokens) for draft in drafts or ())
            again = sum(map(len, lanes)) if decoder.recomputes else 0
            require(
                spent <= sum(map(len, new)) + guesses + again,
                f"{spent} positions forwarded for {new} and {guesses} guesses",
            )
            for index, appended in enumerate(new):
                _compare_rows(model, lanes[index], appended, rows[index], tolerance)
                lanes[index] += appended
            if drafts is not None and decoder.looks_ahead:
                _follow_drafts(model, decoder, lanes, drafts, rng, tolerance)
        elif action == "fork":
            chosen = rng.integers(len(lanes), size=int(rng.integers(1, 5))).tolist()
            decoder.fork(chosen)
            lanes = [list(lanes[ancestor]) for ancestor in chosen]
            prompts = [prompts[ancestor] for ancestor in chosen]
        elif action == "rewind":
            lengths = [
                int(rng.integers(least, len(lane) + 1))
                for least, lane in zip(prompts, lanes, strict=True)
            ]
            beyond = [length - least for length, least in zip(lengths, prompts, strict=True)]
            decoder.rewind(beyond)
            lanes = [lane[:length] for lane, length in zip(lanes, lengths, strict=True)]
        elif action == "admit":
            other = some_tokens(1)
            indices = decoder.admit(other, lanes=2)
            require(list(indices) == [len(lanes), len(lanes) + 1], f"admit returned {indices}")
            lanes += [list(other), list(other)]
            prompts += [len(other)] * 2
        elif len(lanes) > 1:
            leaving = int(rng.integers(len(lanes)))
            decoder.release([leaving])
            del lanes[leaving], prompts[leaving]
        _compare(model, decoder, lanes, prompts, tolerance, action)


def _some_tree(some_tokens: Callable[[int], list[int]], rng: np.random.Generator) -> Draft:
    """A random draft tree of a few tokens, in which the children of a node differ."""
    parents = {token: int(rng.integers(-1, rank)) for rank, token in enumerate(some_tokens(0))}
    ranks = {token: rank for rank, token in enumerate(parents)}
    return Draft(tuple(parents), tuple(min(parent, ranks[t] - 1) for t, parent in parents.items()))


def _follow_drafts(
    model: Model,
    decoder: Decoder,
    lanes: list[list[int]],
    drafts: Sequence[Draft],
    rng: np.random.Generator,
    tolerance: float,
) -> None:
    """Check that logits after drafts are known and right, and that appending takes no forward."""
    taken: list[list[int]] = []
    for index, draft in enumerate(drafts):
        ways: list[list[int]] = []
        for token, parent in zip(draft.tokens, draft.parents, strict=True):
            ways.append([*(ways[parent] if parent >= 0 else []), token])
            row = decoder.peek(index, ways[-1])
            require(row is not None, f"lane {index} does not know its draft {ways[-1]}")
            off = difference(
                model.vocabulary, row, model.start([*lanes[index], *ways[-1]]).logits[0]
            )
            require(off <= tolerance, f"draft {ways[-1]} of lane {index} is off by {off:.2g}")
        taken.append(ways[int(rng.integers(len(ways)))] if ways and rng.random() < 0.5 else [])
    before = decoder.positions_forwarded, decoder.forwards
    decoder.advance(taken)
    after = decoder.positions_forwarded, decoder.forwards
    require(after == before, f"appending the drafts {taken} took a forward")
    for lane, way in zip(lanes, taken, strict=True):
        lane += way


def _compare(
    model: Model,
    decoder: Decoder,
    lanes: list[list[int]],
    prompts: list[int],
    tolerance: float,
    action: str,
) -> None:
    lengths = tuple(len(lane) - prompt for lane, prompt in zip(lanes, prompts, strict=True))
    require(decoder.lengths == lengths, f"lengths are {decoder.lengths}, not {lengths}: {action}")
    for index, (lane, row) in enumerate(zip(lanes, decoder.logits, strict=True)):
        if row is not None:
            off = difference(model.vocabulary, row, model.start(lane).logits[0])
            require(off <= tolerance, f"lane {index} is off by {off:.2g} after {action}")


def _compare_rows(
    model: Model, before: list[int], appended: Sequence[int], rows: Logits, tolerance: float
) -> None:
    require(len(rows) == len(appended), f"{len(rows)} rows for {len(appended)} tokens")
    for rank in range(len(appended)):
        fresh = model.start([*before, *appended[: rank + 1]]).logits[0]
        off = difference(model.vocabulary, rows[rank], fresh)
        require(off <= tolerance, f"new position {rank} of {len(appended)} is off by {off:.2g}")


def difference(vocabulary: Vocabulary, one: Logits, other: Logits) -> float:
    """Largest difference between the log-probabilities of two rows of logits."""
    size = len(vocabulary)
    require(len(one) >= size, f"there are {len(one)} logits for {size} tokens")
    rows = (as_float32(of_vocabulary(row, vocabulary)) for row in (one, other))
    a, b = (row.astype(np.float64) for row in rows)
    return float(np.abs((a - np.logaddexp.reduce(a)) - (b - np.logaddexp.reduce(b))).max())
