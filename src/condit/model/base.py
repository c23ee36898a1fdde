"""The two protocols of a model: `PrefixModel` gives logits after prefixes, `Model` also a decoder.

Nothing here knows constraints or samplers, or runs a network: the backends are in other files.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import index
from typing import Any, TypeAlias

from condit.errors import ArgumentError, PromptTooLongError
from condit.model.decoder import Decoder, Draft, Logits, SharedForward, as_float32, of_vocabulary
from condit.model.reader import PrefixReader, Reader
from condit.vocabulary import Vocabulary, lone_surrogate

__all__ = [
    "Decoder",
    "Draft",
    "Logits",
    "Model",
    "PrefixModel",
    "Prompt",
    "as_float32",
    "of_vocabulary",
]

Prompt: TypeAlias = str | Sequence[int] | Sequence[Mapping[str, str]]
"""Text, token ids, or chat messages (``{"role": ..., "content": ...}``)."""


class PrefixModel(ABC):
    """Next-token distributions over a vocabulary after any prefix, and no more.

    All that a remote model can offer. Samplers that fork lanes or look ahead need a `Model`, and
    refuse this one with an error that names it.

    Attributes:
        name: how messages and results call it.
        vocabulary: its tokens as bytes.
        context: the longest sequence it can take, in tokens, or ``None`` for no limit.
    """

    name: str
    vocabulary: Vocabulary
    context: int | None = None

    @property
    def chat_template(self) -> str:
        """The Jinja template of chats with tools; empty if the model has none."""
        return ""

    def encode_chat(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """The token ids of a chat whose template is given tools.

        Args:
            messages: as the template takes them, also with ``tool_calls`` and the role ``"tool"``.
            tools: functions, each ``{"type": "function", "function": {...}}``.

        Raises:
            ArgumentError: there is no chat template, or it refuses these messages.
        """
        return self._encode_chat([dict(message) for message in messages], tools)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def computed_by(self) -> PrefixModel:
        """The model that runs the forwards: itself, unless it wraps another.

        What was learned of this one (statistics for drafts, a memory) serves all that wrap it.
        """
        return self

    def version(self) -> object:
        """A value that differs (by ``==``) whenever the model computes something else than before.

        What one call keeps (forwarded prompts, a memory) is used by the next only where this is
        equal. A model that never changes, as by training, need not override it.
        """
        return None

    def fingerprint(self) -> str:
        """What tells apart models that give other logits under one name, also in other processes.

        Two that differ in weights, number format or backend differ here, as far as that is known;
        the device and the number of threads do not count.
        """
        return type(self.computed_by).__name__

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The token ids of ``text``: no start token or space is added, none is read as special."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of token ids; special tokens are left out."""
        return self.vocabulary.decode(tokens)

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """The token ids that the model should see for a prompt.

        Text is encoded as the model expects its input to begin (with its start token, where it
        has one); chat messages go through the model's chat template; token ids pass through.

        Raises:
            ArgumentError: the prompt is empty, has ids outside the vocabulary, holds half of a
                surrogate pair, or is chat messages for a model without a chat template.
        """
        if isinstance(prompt, str):
            _refuse_surrogates([prompt])
            tokens = self._encode_text_prompt(prompt)
        elif isinstance(prompt, Sequence) and prompt and isinstance(prompt[0], Mapping):
            messages = [dict(m) for m in prompt if isinstance(m, Mapping)]
            _refuse_surrogates(text for message in messages for text in message.values())
            tokens = self._encode_chat(messages)
        else:
            tokens = _token_ids(prompt)
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

    def _encode_chat(
        self, messages: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> list[int]:
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
    def reader(self, prompt: Sequence[int]) -> Reader:
        """What gives the logits after any prefix that follows ``prompt``."""


class Model(PrefixModel):
    """Next-token distributions over a vocabulary, through a decoder.

    Attributes:
        module: the torch module where there is one, else ``None``.
        last_shared: the last forward, where runs share them (see `condit.model.shared`).
    """

    module: Any = None
    last_shared: SharedForward | None = None

    @property
    def computed_by(self) -> Model:
        """See `PrefixModel.computed_by`; a `Model`, too."""
        return self

    def version(self) -> object:
        """See `PrefixModel.version`; of a torch ``module``, a `WeightsVersion`."""
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(self.module, torch.nn.Module):
            return None
        from condit.model.weights_version import WeightsVersion

        return WeightsVersion.of(self.module)

    def fingerprint(self) -> str:
        """See `PrefixModel.fingerprint`; of a torch ``module`` its number format and weights."""
        model = self.computed_by
        if model is not self:
            return model.fingerprint()
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(self.module, torch.nn.Module):
            return super().fingerprint()
        from condit.model.weights_version import sample

        weights = list(self.module.parameters())
        kinds = sorted({str(each.dtype).removeprefix("torch.") for each in weights})
        digest = blake2b(sample(weights), digest_size=8).hexdigest()
        return f"{type(self).__name__} in {' and '.join(kinds)} with weights {digest}"

    @abstractmethod
    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        """A decoder with ``lanes`` lanes that share ``prompt``, forwarded once."""

    def reader(self, prompt: Sequence[int]) -> PrefixReader:
        """Logits after prefixes that follow ``prompt``, by the lanes of one decoder."""
        return PrefixReader(self.start(prompt))


def _token_ids(prompt: object) -> list[int]:
    """``prompt`` as token ids, if it is a sequence of whole numbers."""
    try:
        if not isinstance(prompt, bytes):
            return [index(token) for token in prompt]  # type: ignore[attr-defined]
    except TypeError:
        pass
    raise ArgumentError(
        f"the prompt is a {type(prompt).__name__} that is neither text, nor chat messages, nor "
        "token ids"
    )


def _refuse_surrogates(texts: Iterable[object]) -> None:
    """Raise `ArgumentError` for a text that UTF-8 cannot write."""
    for text in texts:
        if fault := lone_surrogate(str(text)):
            raise ArgumentError(f"the prompt is not text: {fault}")
