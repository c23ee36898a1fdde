"""What a decoder of one method gets for it, on one whose logits are the tokens themselves."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from condit.errors import ArgumentError, ModelError
from condit.model.base import Model
from condit.model.decoder import Draft, Logits
from condit.model.tree import Position, TreeDecoder
from condit.testing import BrokenLawError, check_decoder
from condit.vocabulary import Vocabulary

SIZE = 7


class Row(np.ndarray[Any, Any]):
    """An array that can be referred to weakly."""


class Plain(TreeDecoder):
    """Logits fade with how long ago a token came; the state is those logits."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[tuple[int, ...]]] = []
        self.refuse = False

    def forward(self, positions: Sequence[Position]) -> list[Logits]:
        if self.refuse:
            raise ModelError("no")
        self.seen.append([tuple(p.token for p in each.way())[::-1] for each in positions])
        for position in positions:
            before = np.zeros(SIZE) if position.parent is None else position.parent.state
            position.state = (0.5 * before + np.eye(SIZE)[position.token]).view(Row)
        return [position.state for position in positions]


class PlainModel(Model):
    name = "plain"
    vocabulary = Vocabulary.of(["a", "b", "c", "d", "e", "f"])
    kind: type[TreeDecoder] = Plain

    def encode(self, text: str) -> list[int]:
        return self.vocabulary.tokenize(text.encode())

    def start(self, prompt: Sequence[int], lanes: int = 1) -> TreeDecoder:
        decoder = self.kind()
        decoder.admit(prompt, lanes)
        return decoder


def start(prompt: Sequence[int], lanes: int) -> Plain:
    decoder = Plain()
    decoder.admit(prompt, lanes)
    return decoder


@pytest.mark.parametrize("seed", range(3))
def test_one_method_is_enough(seed: int) -> None:
    check_decoder(PlainModel(), np.random.default_rng(seed), rounds=60, tolerance=1e-9)


def test_the_law_notices_one_that_mistakes_its_parents(rng: np.random.Generator) -> None:
    class Mistaken(Plain):
        def forward(self, positions: Sequence[Position]) -> list[Logits]:
            return [np.eye(SIZE)[position.token] for position in positions]

    class MistakenModel(PlainModel):
        kind = Mistaken

    check_decoder(MistakenModel(), rng)  # a law of the last token alone is one too

    class Late(Mistaken):
        def forward(self, positions: Sequence[Position]) -> list[Logits]:
            return [np.eye(SIZE)[positions[0].token] for _ in positions]

    MistakenModel.kind = Late
    with pytest.raises(BrokenLawError):
        check_decoder(MistakenModel(), rng)


def test_each_new_position_comes_once_parents_first() -> None:
    decoder = start([1], 3)
    tree = Draft((4, 5, 4), (-1, 0, -1))
    decoder.advance([[2, 3], [2, 3], [2]], [tree, Draft((4,), (-1,)), Draft((3,), (-1,))])
    # Lanes that agree share, drafts that are a lane's own way are no others, equal guesses are one.
    assert decoder.seen[1:] == [[(1, 2), (1, 2, 3), (1, 2, 3, 4), (1, 2, 3, 4, 5)]]
    assert (decoder.positions_forwarded, decoder.forwards) == (5, 2)
    decoder.advance([[4, 5], [4], [3]])
    assert len(decoder.seen) == 2  # all of that was drafted
    assert decoder.lengths == (4, 3, 2)


def test_drafts_are_kept_until_others_come() -> None:
    decoder = start([1], 2)
    decoder.advance([[], []], [Draft((4, 5), (-1, 0)), Draft()])
    decoder.advance([[4], [2]])
    assert decoder.peek(0, [5]) is not None
    decoder.fork([0, 0])
    decoder.advance([[], []], [Draft(), Draft((5,), (-1,))])
    assert decoder.peek(0, [5]) is not None  # the other lane at this place has it
    decoder.advance([[], []], [Draft(), Draft()])
    assert decoder.peek(0, [5]) is None


def test_what_no_lane_reaches_is_garbage() -> None:
    decoder = start([1], 2)
    decoder.advance([[2, 3], [4]], [Draft((5,), (-1,)), Draft()])
    ends = [weakref.ref(position.state) for position in decoder.held()]
    assert len(ends) == 4  # a tip, its draft, the end of the prompt, another tip
    decoder.rewind([1, 0])
    gc.collect()
    assert [end() is not None for end in ends] == [False, False, True, False]
    (row,) = decoder.logits[1:]
    assert row is not None
    assert row.tolist() == np.eye(SIZE)[1].tolist()
    assert decoder.logits[0] is None


def test_a_forward_that_fails_changes_no_lane() -> None:
    decoder = start([1], 2)
    decoder.advance([[2], [3]])
    before = decoder.lengths, decoder.positions_forwarded, [id(row) for row in decoder.logits]
    decoder.refuse = True
    for fails in (lambda: decoder.advance([[4], [5]]), lambda: decoder.admit([6])):
        with pytest.raises(ModelError):
            fails()
    after = decoder.lengths, decoder.positions_forwarded, [id(row) for row in decoder.logits]
    assert after == before
    with pytest.raises(ArgumentError, match="lane 1 has 1 tokens beyond its prompt"):
        decoder.rewind([0, 2])
    with pytest.raises(ArgumentError, match="1 lengths for 2 lanes"):
        decoder.rewind([0])
    assert decoder.lengths == (1, 1)


@pytest.mark.parametrize(
    ("rows", "said"), [(None, "returned None"), ([], "returned 0 rows")], ids=["none", "few"]
)
def test_a_forward_that_returns_too_little_is_named(rows: Any, said: str) -> None:
    class Short(Plain):
        def forward(self, positions: Sequence[Position]) -> list[Logits]:
            return rows  # type: ignore[no-any-return]

    with pytest.raises(ModelError, match=f"Short.forward must .* each of 2 positions, and {said}"):
        Short().admit([1, 2])
