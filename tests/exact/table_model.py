"""A model whose law after each text is what a function says, zeros included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from condit import NgramModel, Vocabulary

END = "<end>"

Law = Callable[[str], Mapping[str, float]]
"""From the text so far to the probability of each next piece of text, or of `END`."""


class TableModel(NgramModel):
    """Says what ``law`` says; its prompt is empty.

    Args:
        pieces: the texts of its tokens, in the order of their numbers.
        law: probabilities of the next token; what it leaves out has none.
    """

    def __init__(self, pieces: Sequence[str], law: Law) -> None:
        super().__init__(Vocabulary.of(list(pieces)), 99, {}, 1.0)
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._numbers[END] = self.vocabulary.end
        self._law = law

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Logarithms of the probabilities, ``-inf`` where there is none."""
        text = self.vocabulary.decode(tokens[1:])  # the first is the empty prompt
        if text not in self._rows:  # type: ignore[comparison-overlap]
            row = np.zeros(len(self.vocabulary))
            for piece, probability in self._law(text).items():
                row[self._numbers[piece]] = probability
            with np.errstate(divide="ignore"):
                self._rows[text] = np.log(row).astype(np.float32)  # type: ignore[index]
        return self._rows[text]  # type: ignore[index]
