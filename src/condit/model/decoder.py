"""The protocol of a decoder, which grows token sequences with a model and owns their caches.

It draws no tokens and knows no constraint. `condit.model.tree` makes a decoder of one method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError, ModelError
from condit.vocabulary import Vocabulary

Logits: TypeAlias = Any
"""Unnormalised log-probabilities in the model's own array type (numpy, or torch on any device).

The last axis is the vocabulary. ``as_float32`` turns one row into numpy.
"""


def as_float32(row: Logits) -> NDArray[np.float32]:
    """One row of logits as a numpy array of 32-bit floats; a view where it already is one."""
    if isinstance(row, np.ndarray):
        return row.astype(np.float32, copy=False)
    array: NDArray[np.float32] = row.detach().float().cpu().numpy()
    return array


def of_vocabulary(rows: Logits, vocabulary: Vocabulary) -> Logits:
    """Logits, shape ``(..., columns)``, without the columns that pad them beyond the vocabulary.

    Raises:
        ModelError: there are fewer columns than tokens.
    """
    width, wanted = rows.shape[-1], len(vocabulary)
    if width < wanted:
        raise ModelError(
            f"the model scores {width} tokens, but its vocabulary has {wanted}: was the tokenizer "
            "made for another model, or were tokens added without resizing its embeddings?"
        )
    return rows if width == wanted else rows[..., :wanted]


def one_row_each(rows: Sequence[Logits], wanted: int, who: str) -> Sequence[Logits]:
    """``rows``, checked to be one row of logits for each of ``wanted`` places.

    Raises:
        ModelError: they are not; the message names ``who`` gave them.
    """
    try:
        rows = rows if hasattr(rows, "ndim") else list(rows)
    except TypeError:
        raise ModelError(f"{who} gave a {type(rows).__name__}, not rows of logits") from None
    is_table = getattr(rows, "ndim", 0) == 2
    if len(rows) != wanted or not (is_table or all(getattr(row, "ndim", 0) == 1 for row in rows)):
        shapes = sorted({str(getattr(row, "shape", type(row).__name__)) for row in rows})
        raise ModelError(
            f"{who} gave {len(rows)} rows of logits for {wanted} places ({', '.join(shapes)}): it "
            "must give an array of shape (vocabulary,) for each"
        )
    return rows


@dataclass(frozen=True)
class Draft:
    """A tree of tokens that may follow a lane.

    Attributes:
        tokens: its tokens, parents before children.
        parents: for each token the index of the one before it, ``-1`` for the end of the lane.
    """

    tokens: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class SharedForward:
    """One forward that several runs shared.

    Attributes:
        runs: how many runs.
        positions: new positions of all of them.
        seconds: how long it took.
    """

    runs: int
    positions: int
    seconds: float


@dataclass(frozen=True)
class Spent:
    """What a model has done.

    Attributes:
        forwards: how many.
        seconds: how long all of them took.
    """

    forwards: int = 0
    seconds: float = 0.0

    def __add__(self, more: Spent) -> Spent:
        """Both together."""
        return Spent(self.forwards + more.forwards, self.seconds + more.seconds)


class Decoder(ABC):
    """Lanes: growing token sequences that share what they have in common.

    The only place where key-value caches live. A lane is named by its index. No token that a
    live lane has seen is ever forwarded again for it, unless the decoder ``recomputes``.

    Attributes:
        logits: for each lane the logits after its last token, shape ``(vocabulary,)``; ``None``
            after a rewind to anything but the prompt, until the lane advances again.
        positions_forwarded: token positions that the model has computed so far, prompts and
            drafts included.
        forwards: how many times the model was called for them.
        looks_ahead: whether drafts are of any use to this decoder.
        takes_pieces: whether a prompt may come in pieces: ``admit`` of its beginning, ``advance``
            by the rest, and then ``take_as_prompt``.
        recomputes: whether a lane that was rewound, but not to its prompt, may have its tokens
            forwarded once more when it goes on.
    """

    logits: list[Logits | None]
    positions_forwarded: int
    forwards: int
    looks_ahead: bool = False
    takes_pieces: bool = False
    recomputes: bool = False

    @property
    @abstractmethod
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane beyond its prompt."""

    @abstractmethod
    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        """Forward ``prompt`` once and add ``lanes`` lanes that share it; returns their indices."""

    @abstractmethod
    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        """Append 0 or more tokens to each lane, and look ahead of them.

        Drafts go through the model in the same forward. They are not appended: ``peek`` gives
        their logits, and if one is appended next it need not be forwarded. A decoder keeps the
        drafts of a lane until the lane is given others, and one that does not look ahead ignores
        them.

        Args:
            tokens: for every lane the tokens to append, maybe none.
            drafts: for every lane a tree of tokens that may come after those.

        Returns:
            for every lane the logits at its new positions, shape ``(len(tokens[i]), vocabulary)``.
        """

    def peek(self, lane: int, path: Sequence[int]) -> Logits | None:
        """Logits after ``lane`` and the tokens of ``path``, where they are known already."""
        return None if path else self.logits[lane]

    def drop_logits(self, lanes: Sequence[int]) -> None:
        """Free the logits of these lanes, which will not be asked for: rows are large."""
        for lane in lanes:
            self.logits[lane] = None

    @abstractmethod
    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` becomes a copy of lane ``ancestors[i]``.

        There may be more or fewer ancestors than lanes, so lanes can be added (as the branches
        of a tree of drafts: lanes that agree on a prefix forward it once) and dropped.
        """

    @abstractmethod
    def rewind(self, lengths: Sequence[int]) -> None:
        """Drop what lies past each lane's length beyond its prompt; 0 goes back to the prompt.

        Raises:
            ArgumentError: not one length for each lane, or one that a lane does not have.
        """

    def known(self, prompt: Sequence[int]) -> int:
        """How many tokens at the beginning of a prompt need no forward, if it is admitted now."""
        return 0

    def take_as_prompt(self, lane: int, logits: Logits) -> None:
        """Let all that a lane holds be its prompt from now on, with these logits after it."""
        raise NotImplementedError(f"{type(self).__name__} takes whole prompts only")

    def release(self, lanes: Sequence[int]) -> None:
        """Remove these lanes; the ones that stay keep their order and are numbered anew from 0."""
        leaving = set(lanes)
        self.fork([lane for lane in range(len(self.lengths)) if lane not in leaving])

    def _require_one_each(self, *given: Sequence[Any] | None, what: str = "token lists") -> None:
        """Raise `ArgumentError` unless each list that is given has one entry a lane."""
        for entries in given:
            if entries is not None and len(entries) != len(self.logits):
                raise ArgumentError(f"{len(entries)} {what} for {len(self.logits)} lanes")


def refuse_rewind(lane: int, here: int, length: int) -> None:
    """Raise `ArgumentError` if a lane of ``here`` tokens beyond its prompt has no ``length``."""
    if not 0 <= length <= here:
        raise ArgumentError(
            f"lane {lane} has {here} tokens beyond its prompt: it cannot be rewound to {length}"
        )


def shared_length(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens two sequences have in common at their beginnings."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    # By bisection: slices are compared much faster than tokens one by one.
    same, differing = 0, shorter
    while differing - same > 1:
        middle = (same + differing) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            differing = middle
    return same
