"""One text as vLLM writes it: what may follow, and the mass that was allowed before each token.

The log weight of a text is the sum of ``log_allowed`` over its tokens, the end included. That is a
function of the tokens, so it does not matter which request drew them, or in how many pieces.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher
from condit.errors import VocabularyError
from condit.model.token_bytes import token_bytes
from condit.report import finite_or_none
from condit.sampler.kernels import allowed_tokens
from condit.vocabulary import Vocabulary


def vocabulary_of(tokenizer: Any, size: int, end: int, ends: frozenset[int]) -> Vocabulary:
    """The tokens of a model.

    Args:
        tokenizer: of ``transformers``, a fast one.
        size: how many tokens the model scores.
        end: the token that ends a text.
        ends: all tokens at which vLLM stops.

    Raises:
        VocabularyError: the bytes of its tokens cannot be known, or a token of text is an end.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise VocabularyError("the tokenizer has no tokenizer.json, so its bytes are not known")
    return Vocabulary(token_bytes(json.loads(backend.to_str()), size)[0], end, ends)


@dataclass
class Text:
    """A text as far as it is written.

    Attributes:
        key: the name under which its weight is kept, if there is one.
        end: the token that vLLM is made to draw where nothing else is allowed.
        ends: all tokens at which vLLM stops.
        most: the most tokens that vLLM draws, the end among them.
        temperature: what vLLM divides the logits by.
        start: the constraint at the empty text; ``None`` if it could not be made.
        error: why it cannot go on, in a sentence; it is ended then, and has no weight.
        tokens: the tokens drawn so far, as far as they are known.
        log_allowed: natural logarithm of the mass that was allowed before each token; one more
            than there are tokens, while the next one is drawn.
        log_probabilities: the same of each token that was drawn, without the constraint.
        log_end: natural logarithm of the probability that it ends after ``tokens``.
        ended: whether ``tokens`` has an end.
        place: its row of the last law; ``None`` if there is none.
        told: whether ``error`` has been logged.
    """

    key: str | None
    end: int
    ends: list[int]
    most: int
    temperature: float
    start: Matcher | None = None
    error: str = ""
    tokens: list[int] = field(default_factory=list)
    log_allowed: list[float] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    log_end: float = -math.inf
    ended: bool = False
    place: int | None = None
    told: bool = False
    _matcher: Matcher | None = None

    def go_on(self, before: Text) -> None:
        """Take over what is known of a text that was taken out of the batch, or of an equal one."""
        self.tokens, self.log_allowed = list(before.tokens), list(before.log_allowed)
        self.log_probabilities = list(before.log_probabilities)

    def follow(self, given: Sequence[int]) -> list[int]:
        """Write what vLLM has drawn; the new tokens.

        Tokens may have been taken back. Nothing is raised: what goes wrong is in ``error``.
        """
        if self.start is None or self.error:
            return []
        pairs = enumerate(zip(self.tokens, given, strict=False))
        fewest = min(len(self.tokens), len(given))
        kept = next((place for place, (ours, drawn) in pairs if ours != drawn), fewest)
        if self._matcher is None or kept < len(self.tokens):
            self._matcher, self.ended = self.start.copy(), False
            del self.tokens[kept:], self.log_probabilities[kept:]
            self._advance(self.tokens)
        new = list(given[kept:])
        self._advance(new)
        self.tokens += new
        return new

    def _advance(self, tokens: Sequence[int]) -> None:
        try:
            for token in tokens:
                if self.ended or self._matcher is None:
                    break
                if token < 0:
                    raise ValueError(
                        "vLLM does not tell which tokens were drawn: give it "
                        "logits_processors=['condit_vllm:ConditLogitsProcessor'] when it starts, "
                        "or async_scheduling=False"
                    )
                self.ended = token in self._matcher.vocabulary.ends
                if not self.ended:
                    self._matcher.advance(token)
        except Exception as error:
            # Anything that is raised in here would end the engine, and so every other request.
            self.error = f"{type(error).__name__}: {error}"

    def allowed(self) -> NDArray[np.bool_] | None:
        """Whether each token may come next, shape ``(vocabulary,)``; ``None`` at an error."""
        if self.error or self._matcher is None or self.ended:
            return None
        vocabulary = self._matcher.vocabulary
        try:
            allowed = allowed_tokens(self._matcher)
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            return None
        if allowed[vocabulary.end] and len(self.tokens) == self.most - 1:
            allowed[:] = False  # with any other token it would be cut
            allowed[vocabulary.end] = True
        allowed[list(vocabulary.ends)] = allowed[vocabulary.end]
        return allowed

    def note(self, log_probability: float) -> None:
        """Note the probability of the last token; of others that were not noted it is unknown."""
        missing = len(self.tokens) - len(self.log_probabilities) - 1
        self.log_probabilities += [*[math.nan] * missing, log_probability]

    def weigh(self, log_allowed: float, log_end: float, place: int) -> None:
        """Note what is allowed of the next token; again, if its draw was thrown away."""
        known = len(self.tokens)
        del self.log_allowed[known:]
        missing = [math.nan] * (known - len(self.log_allowed))
        self.log_allowed += [*missing, min(log_allowed, 0.0)]
        self.log_end, self.place = log_end, place
        if log_allowed == -math.inf:
            written = "" if self.start is None else self.start.vocabulary.decode(self.tokens)
            self.error = f"the constraint allows nothing that has any probability after {written!r}"

    def record(self) -> dict[str, Any]:
        """Everything that is known of it, ready for JSON."""
        return {
            "tokens": self.tokens,
            "ends": self.ends,
            "log_allowed": [finite_or_none(value) for value in self.log_allowed],
            "log_probability": finite_or_none(math.fsum(self.log_probabilities)),
            "log_end": finite_or_none(self.log_end),
            "error": self.error,
        }
