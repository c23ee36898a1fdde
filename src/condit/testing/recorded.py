"""A model that replays the laws of another, recorded after every prefix that matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError, ModelError
from condit.model.base import Decoder, Draft, Logits, Model, Prompt, refuse_rewind
from condit.vocabulary import Vocabulary


class RecordedModel(Model):
    """Next-token laws by table: what another model said after each prefix of one prompt.

    The prompt is one token here, the last of the vocabulary: it has no bytes, so that no constraint
    ever allows it as text, and holds the mass of all tokens that were not recorded one by one.

    Args:
        name: of the model that was recorded.
        vocabulary: the recorded tokens, and last the one that stands for all others.
        prompt: what was recorded was said after this.
        prefixes: the token sequences (of this vocabulary) after which a law was recorded.
        logits: the law after each of them, shape ``(prefixes, vocabulary)``.

    Attributes:
        rest: the last token: the prompt, and the mass of all tokens that are not here.
        prompt: what was recorded was said after this.
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
        """Token ids that spell ``text``, each the longest that fits: not the model's own way.

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


@dataclass(frozen=True)
class Lane:
    """Tokens, and the cells a model would hold for them: equal cells were computed once."""

    tokens: tuple[int, ...]
    cells: tuple[int, ...]
    prompt_length: int


class RecordedDecoder(Decoder):
    """Lanes over a table, counting positions exactly as a cache of shared cells would.

    In one call of ``advance`` lanes that append the same token to the same cell share one position;
    forks share all they have; what was computed in different calls is held twice.
    """

    def __init__(self, model: RecordedModel) -> None:
        self.logits = []
        self.positions_forwarded = 0
        self.forwards = 0
        self._model = model
        self._lanes: list[Lane] = []

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane beyond its prompt."""
        return tuple(len(lane.tokens) - lane.prompt_length for lane in self._lanes)

    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        """Add ``lanes`` lanes that share ``prompt``; returns their indices."""
        if not prompt:
            raise ArgumentError("a lane needs a prompt of at least one token")
        row = self._model.logits(prompt)
        first = len(self._lanes)
        cells = tuple(range(self.positions_forwarded, self.positions_forwarded + len(prompt)))
        self._lanes += [Lane(tuple(prompt), cells, len(prompt))] * lanes
        self.logits += [row] * lanes
        self.positions_forwarded += len(prompt)
        self.forwards += 1
        return range(first, first + lanes)

    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        """Append 0 or more tokens to each lane; logits at every new position. Drafts are ignored.

        Raises:
            ModelError: nothing was recorded there; the lanes are unchanged.
        """
        self._require_one_each(tokens)
        new: dict[tuple[int, int], int] = {}  # (cell before it, token): its cell
        lanes, answers = [], []
        for lane, appended in zip(self._lanes, tokens, strict=True):
            rows = np.empty((len(appended), len(self._model.vocabulary)), dtype=np.float32)
            longer, cells = lane.tokens, lane.cells
            for rank, token in enumerate(appended):
                longer = (*longer, token)
                cell = self.positions_forwarded + len(new)
                cells = (*cells, new.setdefault((cells[-1], token), cell))
                rows[rank] = self._model.logits(longer)
            lanes.append(replace(lane, tokens=longer, cells=cells))
            answers.append(rows)
        self._lanes = lanes
        self.positions_forwarded += len(new)
        self.forwards += bool(new)
        for index, rows in enumerate(answers):
            if len(rows):
                self.logits[index] = rows[-1]
        return list(answers)

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` becomes a copy of lane ``ancestors[i]``; lanes not named are dropped."""
        self._lanes = [self._lanes[ancestor] for ancestor in ancestors]
        self.logits = [self.logits[ancestor] for ancestor in ancestors]

    def rewind(self, lengths: Sequence[int]) -> None:
        """Drop what lies past each lane's length beyond its prompt."""
        for index, (lane, length) in enumerate(zip(self._lanes, lengths, strict=True)):
            here, whole = len(lane.tokens) - lane.prompt_length, lane.prompt_length + length
            refuse_rewind(index, here, length)
            if length < here:
                tokens = lane.tokens[:whole]
                self._lanes[index] = replace(lane, tokens=tokens, cells=lane.cells[:whole])
                self.logits[index] = None if length else self._model.logits(tokens)
