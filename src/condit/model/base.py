"""The two protocols of a model: what it is, and the decoder that grows sequences with it."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError, ModelError, PromptTooLongError
from condit.vocabulary import Vocabulary

Logits: TypeAlias = Any
"""Unnormalised log-probabilities in the model's own array type (numpy, or torch on any device).

The last axis is the vocabulary. ``as_float32`` turns one row into numpy.
"""

Prompt: TypeAlias = str | Sequence[int] | Sequence[Mapping[str, str]]
"""Text, token ids, or chat messages (``{"role": ..., "content": ...}``)."""


def as_float32(row: Logits) -> NDArray[np.float32]:
    """One row of logits as a numpy array of 32-bit floats; a view where it already is one."""
    if isinstance(row, np.ndarray):
        return row.astype(np.float32, copy=False)
    array: NDArray[np.float32] = row.detach().float().cpu().numpy()
    return array


def of_vocabulary(rows: Logits, vocabulary: Vocabulary) -> Logits:
    """Logits, shape ``(..., rows)``, without the rows that pad them beyond the vocabulary.

    Raises:
        ModelError: there are fewer than tokens.
    """
    width, wanted = rows.shape[-1], len(vocabulary)
    if width < wanted:
        raise ModelError(
            f"the model scores {width} tokens, but its vocabulary has {wanted}: was the tokenizer "
            "made for another model, or were tokens added without resizing its embeddings?"
        )
    return rows if width == wanted else rows[..., :wanted]


@dataclass(frozen=True)
class Draft:
    """A tree of tokens that may follow a lane.

    Attributes:
        tokens: its tokens, parents before children.
        parents: for each token the index of the one before it, ``-1`` for the end of the lane.
    """

    tokens: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()


class Decoder(ABC):
    """Lanes: growing token sequences that share what they have in common.

    The only place where key-value caches live. A lane is named by its index. No token that a
    live lane has seen is ever forwarded again for it.

    Attributes:
        logits: for each lane the logits after its last token, shape ``(vocabulary,)``; ``None``
            after a rewind to anything but the prompt, until the lane advances again.
        positions_forwarded: token positions that the model has computed so far, prompts and
            drafts included.
        forwards: how many times the model was called for them.
        looks_ahead: whether drafts are of any use to this decoder.
    """

    logits: list[Logits | None]
    positions_forwarded: int
    forwards: int
    looks_ahead: bool = False

    @property
    @abstractmethod
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane, the prompt included."""

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
        """Let go of the logits of these lanes, which nobody will ask for: rows are large."""
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
        """Drop what lies past each lane's length, which may not cut into its prompt."""

    def release(self, lanes: Sequence[int]) -> None:
        """Remove these lanes; the ones that stay keep their order and close ranks."""
        leaving = set(lanes)
        self.fork([lane for lane in range(len(self.lengths)) if lane not in leaving])

    def _require_one_each(self, *given: Sequence[Any] | None) -> None:
        """Raise `ArgumentError` unless each list that is given has one entry a lane."""
        for entries in given:
            if entries is not None and len(entries) != len(self.lengths):
                raise ArgumentError(f"{len(entries)} token lists for {len(self.lengths)} lanes")


def refuse_rewind(lane: int, here: int, prompt_length: int, length: int) -> None:
    """Raise `ArgumentError` if a lane of ``here`` tokens cannot be rewound to ``length``."""
    if not prompt_length <= length <= here:
        raise ArgumentError(
            f"lane {lane} has {here} tokens, {prompt_length} of them its prompt: "
            f"it cannot be rewound to {length}"
        )


class Model(ABC):
    """Next-token distributions over a vocabulary, through a decoder.

    Attributes:
        name: how messages and results call it.
        vocabulary: its tokens as bytes.
        context: the longest sequence it can take, in tokens, or ``None`` for no limit.
        module: the torch module where there is one, else ``None``.
    """

    name: str
    vocabulary: Vocabulary
    context: int | None = None
    module: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def version(self) -> object:
        """What tells apart states of a model that can change, as by training: compared by ``==``.

        What a call has learned of a model (prompts, a memory) serves the next one only where this
        is equal. Of a model with a torch ``module`` it is that of the weights; one that never
        changes need not say anything.
        """
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(self.module, torch.nn.Module):
            return None
        from condit.model.weights_version import WeightsVersion

        return WeightsVersion.of(self.module)

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The token ids of ``text`` as such: nothing is added, and no special token is read."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of token ids; special tokens are not text and vanish."""
        return self.vocabulary.decode(tokens)

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """The token ids that the model should see for a prompt.

        Text is encoded as the model expects its input to begin (with its start token, where it
        has one); chat messages go through the model's chat template; token ids pass through.

        Raises:
            ArgumentError: the prompt is empty, has ids outside the vocabulary, holds half of a
                surrogate pair, or is chat messages for a model without a chat template.
        """
        _refuse_half_characters(prompt)
        if isinstance(prompt, str):
            tokens = self._encode_text_prompt(prompt)
        elif prompt and isinstance(prompt[0], Mapping):
            tokens = self._encode_chat([dict(m) for m in prompt if isinstance(m, Mapping)])
        else:
            tokens = [int(token) for token in prompt if not isinstance(token, Mapping)]
        if not tokens:
            raise ArgumentError(
                f"the prompt is empty, and {self.name} has no start token to begin from: "
                "give it at least one token"
            )
        outside = [token for token in tokens if not 0 <= token < len(self.vocabulary)]
        if outside:
            raise ArgumentError(
                f"prompt token {outside[0]} is outside the vocabulary of {self.name} "
                f"({len(self.vocabulary)} tokens)"
            )
        return tokens

    def _encode_text_prompt(self, text: str) -> list[int]:
        return self.encode(text)

    def _encode_chat(self, messages: list[dict[str, str]]) -> list[int]:
        raise ArgumentError(f"{self.name} has no chat template: give the prompt as text")

    def check_fits(self, prompt_length: int, max_tokens: int) -> None:
        """Raise `PromptTooLongError` unless prompt and budget fit in the context together."""
        if self.context is None or prompt_length + max_tokens <= self.context:
            return
        if prompt_length >= self.context:
            raise PromptTooLongError(
                f"the prompt has {prompt_length} tokens, but {self.name} can see only "
                f"{self.context}: shorten the prompt"
            )
        raise PromptTooLongError(
            f"the prompt has {prompt_length} tokens and max_tokens is {max_tokens}, together more "
            f"than the {self.context} that {self.name} can see: "
            f"set max_tokens to {self.context - prompt_length} or less"
        )

    @abstractmethod
    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        """A decoder with ``lanes`` lanes that share ``prompt``, forwarded once."""


def _refuse_half_characters(prompt: Prompt) -> None:
    """Raise `ArgumentError` for a text that UTF-8 cannot write."""
    messages = (message for message in prompt if isinstance(message, Mapping))
    texts = [prompt] if isinstance(prompt, str) else [t for m in messages for t in m.values()]
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ArgumentError(
                f"the prompt is not text: it holds {text[error.start]!r}, half of a surrogate "
                f"pair, at character {error.start}"
            ) from None
