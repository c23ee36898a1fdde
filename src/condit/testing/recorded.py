"""A model that looks its next-token distributions up in a table, recorded from another model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError, ModelError
from condit.model.base import Decoder, Logits, Model, Prompt
from condit.model.tree import Position, TreeDecoder
from condit.vocabulary import Vocabulary


class RecordedModel(Model):
    """Next-token distributions by table: those of another model after prefixes of one prompt.

    The last token of the vocabulary has no bytes, so that no constraint allows it. It stands for
    the prompt, and has the mass of all tokens that have no entry of their own.

    Args:
        name: of the model that was recorded.
        vocabulary: the recorded tokens, and last the one that stands for all others.
        prompt: the prompt of the recording.
        prefixes: the token sequences (of this vocabulary) after which a law was recorded.
        logits: the logits after each of them, shape ``(prefixes, vocabulary)``.

    Attributes:
        rest: the last token, which stands for the prompt and for all tokens without an entry.
        prompt: the prompt of the recording.
        rows: for each recorded prefix its row in ``table``.
        table: the logits, shape ``(prefixes, vocabulary)``, read-only.
    """

    def __init__(
        self,
        name: str,
        vocabulary: Vocabulary,
        prompt: Prompt,
        prefixes: Sequence[tuple[int, ...]],
        logits: NDArray[np.float32],
    ) -> None:
        if logits.shape != (len(prefixes), len(vocabulary)):
            raise ArgumentError(
                f"{len(prefixes)} prefixes of {len(vocabulary)} tokens need as many logits, "
                f"not {logits.shape}"
            )
        self.name = f"{name} (recorded)"
        self.vocabulary = vocabulary
        self.prompt = prompt
        self.rest = len(vocabulary) - 1
        self.rows: Mapping[tuple[int, ...], int] = {
            prefix: row for row, prefix in enumerate(prefixes)
        }
        self.table = logits
        self.table.flags.writeable = False

    def encode(self, text: str) -> list[int]:
        """Token ids that spell ``text``, each the longest that fits; not the model's tokenization.

        Raises:
            VocabularyError: no recorded token spells what comes next.
        """
        return self.vocabulary.tokenize(text.encode())

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """One token for the prompt that was recorded; token ids pass through.

        Raises:
            ModelError: another prompt.
        """
        if prompt == self.prompt:
            return [self.rest]
        if not isinstance(prompt, str) and prompt and isinstance(prompt[0], int):
            return super().encode_prompt(prompt)
        raise ModelError(f"{self.name} was recorded after {self.prompt!r}, not after {prompt!r}")

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The recorded logits after the prompt's token and a prefix, shape ``(vocabulary,)``.

        Raises:
            ModelError: nothing was recorded there.
        """
        if not tokens or tokens[0] != self.rest:
            raise ModelError(
                f"{self.name} begins with token {self.rest}, which stands for the recorded prompt, "
                f"not with {list(tokens[:1])}"
            )
        row = self.rows.get(tuple(tokens[1:]))
        if row is None:
            raise ModelError(
                f"{self.name} has no law after {self.vocabulary.decode(tokens[1:])!r} "
                f"(tokens {list(tokens[1:])}): no text of the recorded language goes on from there"
            )
        logits: NDArray[np.float32] = self.table[row]
        return logits

    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        """A decoder with ``lanes`` lanes that share ``prompt``."""
        decoder = RecordedDecoder(self)
        decoder.admit(prompt, lanes)
        return decoder


class RecordedDecoder(TreeDecoder):
    """Lanes over a table. Drafts are ignored, as they may lead to prefixes that were not recorded.

    Raises:
        ModelError: by a call that reaches a prefix that was not recorded; lanes are unchanged.
    """

    looks_ahead = False

    def __init__(self, model: RecordedModel) -> None:
        super().__init__()
        self._model = model

    def forward(self, positions: Sequence[Position]) -> list[Logits]:
        """Look up what follows each position; its state is all tokens up to it."""
        for position in positions:
            before = position.parent.state if position.parent is not None else ()
            position.state = (*before, position.token)
        return [self._model.logits(position.state) for position in positions]
