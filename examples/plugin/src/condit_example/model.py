"""The model ``echo``: it likes what it has just seen, and has no weights to load."""

from collections.abc import Sequence

import numpy as np

import condit
from condit.model.source import ModelSource
from condit.model.tree import Position, TreeDecoder


class EchoDecoder(TreeDecoder):
    """The state of a position is a fading count of each token so far."""

    def __init__(self, size: int) -> None:
        """For a vocabulary of ``size`` tokens."""
        super().__init__()
        self.size = size

    def forward(self, positions: Sequence[Position]) -> list[np.ndarray]:
        """The logits after each of the new positions, parents before children."""
        for position in positions:
            before = position.parent.state if position.parent else np.zeros(self.size)
            position.state = 0.9 * before
            position.state[position.token] += 1
        return [np.sin(position.state) for position in positions]


class EchoModel(condit.Model):
    """One token for each byte."""

    name = "echo"
    vocabulary = condit.Vocabulary.of_bytes()

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
        return self.vocabulary.tokenize(text.encode())

    def start(self, prompt: Sequence[int], lanes: int = 1) -> condit.Decoder:
        """A decoder whose lanes begin with the prompt."""
        decoder = EchoDecoder(len(self.vocabulary))
        decoder.admit(prompt, lanes)
        return decoder


ECHO = ModelSource(
    name="echo", description="likes what it has just seen; nothing to load", load=EchoModel
)
