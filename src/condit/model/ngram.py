"""A tiny trainable model in numpy, for tests and for problems small enough to enumerate.

It is an interpolated n-gram model: at each order the counts of what followed the context are
mixed with the next shorter context, which acts as a prior worth ``smoothing`` observations
(a Dirichlet prior; MacKay and Peto 1995). The shortest context is uniform, so every token has mass
everywhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError
from condit.model.base import Model
from condit.model.decoder import Decoder, Logits
from condit.model.source import ModelSource
from condit.model.tree import Position, TreeDecoder
from condit.vocabulary import Vocabulary

_CORPUS = (
    "The invoice is for three oak chairs at 80 euros each.\n",
    'The order is {"item": "oak chair", "count": 3, "price": 80}.\n',
    "The answer is yes. The answer is no.\n",
    "On 2026-11-21 the ship left the harbour at 10:45.\n",
    "She counted 1, 2, 3, 4, 5 and then 12 birds on the roof.\n",
)


class NgramModel(Model):
    """Next-token distributions from counts of the last ``order - 1`` tokens.

    Args:
        vocabulary: its tokens.
        order: how many tokens an n-gram has, the predicted one included; at least 1.
        counts: for each context (a tuple of up to ``order - 1`` tokens) what followed it.
        smoothing: how many observations the next shorter context is worth; positive.
    """

    name = "ngram"

    def __init__(
        self,
        vocabulary: Vocabulary,
        order: int,
        counts: Mapping[tuple[int, ...], Mapping[int, int]],
        smoothing: float,
    ) -> None:
        self.vocabulary = vocabulary
        self.order = order
        self._smoothing = smoothing
        self._counts = counts
        self._rows: dict[tuple[int, ...], NDArray[np.float32]] = {}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        *,
        vocabulary: Vocabulary | None = None,
        order: int = 3,
        smoothing: float = 0.5,
    ) -> NgramModel:
        """Count the n-grams of texts, each of which ends with the end token.

        Args:
            texts: the corpus.
            vocabulary: its tokens; one for each byte by default.
            order: how many tokens an n-gram has, the predicted one included.
            smoothing: how many observations the next shorter context is worth.

        Raises:
            ArgumentError: ``order`` or ``smoothing`` is not positive.
            VocabularyError: a text cannot be spelled.
        """
        if order < 1 or smoothing <= 0:
            raise ArgumentError(
                f"order must be 1 or more and smoothing positive, not {order} and {smoothing}"
            )
        vocabulary = vocabulary or Vocabulary.of_bytes()
        counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        model = cls(vocabulary, order, counts, smoothing)
        for text in texts:
            # The end token is also what an empty prompt is encoded as.
            tokens = [vocabulary.end, *model.encode(text), vocabulary.end]
            for place in range(1, len(tokens)):
                for length in range(min(order - 1, place) + 1):
                    counts[tuple(tokens[place - length : place])][tokens[place]] += 1
        return model

    def fingerprint(self) -> str:
        """See `PrefixModel.fingerprint`: of the counts."""
        counts = sorted((context, sorted(found.items())) for context, found in self._counts.items())
        said = repr((self.order, self._smoothing, counts)).encode()
        digest = blake2b(said, digest_size=8).hexdigest()
        return f"{type(self).__name__} with counts {digest}"

    def encode(self, text: str) -> list[int]:
        """The token ids of ``text``, each the longest that fits (the first of equals).

        Raises:
            VocabularyError: no token spells what comes next.
        """
        return self.vocabulary.tokenize(text.encode())

    def _encode_text_prompt(self, text: str) -> list[int]:
        return self.encode(text) or [self.vocabulary.end]

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Log-probabilities of the next token after ``tokens``, shape ``(vocabulary,)``."""
        context = tuple(tokens[max(0, len(tokens) - self.order + 1) :])
        if context not in self._rows:
            self._rows[context] = np.log(self._probabilities(context)).astype(np.float32)
        return self._rows[context]

    def _probabilities(self, context: tuple[int, ...]) -> NDArray[np.float64]:
        size = len(self.vocabulary)
        shorter = self._probabilities(context[1:]) if context else np.full(size, 1 / size)
        counted = np.zeros(size)
        for token, count in self._counts.get(context, {}).items():
            counted[token] = count
        mixed: NDArray[np.float64] = counted + self._smoothing * shorter
        mixed /= mixed.sum()
        return mixed

    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        """A decoder with ``lanes`` lanes that share ``prompt``."""
        decoder = NgramDecoder(self)
        decoder.admit(prompt, lanes)
        return decoder


class NgramDecoder(TreeDecoder):
    """Lanes of an n-gram model. The state of a position is the context of what comes next."""

    def __init__(self, model: NgramModel) -> None:
        super().__init__()
        self._model = model

    def forward(self, positions: Sequence[Position]) -> list[Logits]:
        """Look up what follows each position."""
        for position in positions:
            before = position.parent.state if position.parent is not None else ()
            position.state = (*before, position.token)[-self._model.order :]
        return [self._model.logits(position.state) for position in positions]


def load(*, order: int = 5) -> NgramModel:
    """The n-gram model of bytes that ``condit.load("ngram")`` gives, trained on five sentences."""
    return NgramModel.train(_CORPUS, order=order, smoothing=0.02)


NGRAM = ModelSource(
    name="ngram",
    description="n-gram model of bytes, trained on five sentences: for tests and small worlds",
    load=load,
)
