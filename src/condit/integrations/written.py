"""One text as another engine writes it: what may follow, and the mass allowed before each token.

The log weight of a text is the sum of ``log_allowed`` over its tokens, the end included. That is a
function of the tokens, so it does not matter which request drew them, or in how many pieces. The
engine's logits are not here, and nothing is drawn.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher
from condit.errors import ModelError, VocabularyError
from condit.model.token_bytes import token_bytes
from condit.report import finite_or_none
from condit.sampler.kernels import allowed_tokens
from condit.vocabulary import Vocabulary

_log = logging.getLogger(__name__)


_NOT_TOLD = (
    "the engine does not tell which tokens were drawn: give vLLM the processor by its name, "
    "logits_processors=['condit_vllm:ConditLogitsProcessor'], or async_scheduling=False"
)


@lru_cache(maxsize=8)
def vocabulary_of(tokenizer: Any, size: int, end: int, ends: frozenset[int]) -> Vocabulary:
    """The tokens of a model, by its tokenizer alone; kept.

    Args:
        tokenizer: of ``transformers``, a fast one.
        size: how many tokens the model scores.
        end: the token that ends a text.
        ends: all tokens at which the engine stops.

    Raises:
        VocabularyError: the bytes of its tokens cannot be known, or a token of text is an end.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise VocabularyError("the tokenizer has no tokenizer.json, so its bytes are not known")
    spelled, _ = token_bytes(json.loads(backend.to_str()), size)
    return Vocabulary(spelled, end, ends)


@dataclass
class WrittenText:
    """A text as far as it is written.

    Attributes:
        key: the name under which its weight is kept, if there is one.
        end: the token that the engine is made to draw where nothing else is allowed.
        ends: all tokens at which the engine stops.
        most: the most tokens that the engine draws, the end among them.
        temperature: what the engine divides the logits by.
        start: the constraint at the empty text; ``None`` if it could not be made.
        given: the engine's own list of the tokens drawn so far, if it has one.
        error: why it cannot go on, in a sentence; it is ended then, and has no weight.
        tokens: the tokens drawn so far, as far as they are known.
        log_allowed: natural logarithm of the mass that was allowed before each token; one more
            than there are tokens, while the next one is drawn.
        log_probabilities: the same of each token that was drawn, without the constraint.
        log_end: natural logarithm of the probability that it ends after ``tokens``.
        ended: whether ``tokens`` has an end.
        law: log-probabilities of the next token, shape ``(vocabulary,)``, while it is drawn.
    """

    key: str | None
    end: int
    ends: list[int]
    most: int
    temperature: float
    start: Matcher | None = None
    given: Sequence[int] = ()
    error: str = ""
    tokens: list[int] = field(default_factory=list)
    log_allowed: list[float] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    log_end: float = -math.inf
    ended: bool = False
    law: Any = None
    _matcher: Matcher | None = None

    def fail(self, error: Exception | str) -> None:
        """It cannot go on. Only the first reason is kept."""
        if not self.error:
            named = isinstance(error, Exception)
            self.error = f"{type(error).__name__}: {error}" if named else str(error)
            _log.warning("Condit ends a text (%s): %s", self.key or "without a key", self.error)

    def go_on(self, before: WrittenText) -> None:
        """Take over what is known of a text that was taken out of the batch, or of an equal one."""
        self.tokens, self.log_allowed = list(before.tokens), list(before.log_allowed)
        self.log_probabilities = list(before.log_probabilities)

    def rest(self) -> None:
        """Drop what takes memory, as it has left the batch; ``follow`` makes it again."""
        last = self.given[-1] if len(self.given) == len(self.tokens) + 1 else -1
        if last >= 0 and self.law is not None and not self.error:
            self.follow(self.given)
            if not self.ended:
                self.note(float(self.law[last]))
        self._matcher, self.law, self.given = None, None, ()

    def follow(self, given: Sequence[int]) -> list[int]:
        """Write what the engine has drawn; the new tokens.

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
            self._advance(self._matcher, self.tokens)
        new = list(given[kept:])
        self._advance(self._matcher, new)
        self.tokens += new
        return new

    def _advance(self, matcher: Matcher, tokens: Sequence[int]) -> None:
        try:
            for token in tokens:
                if self.ended:
                    break
                if token < 0:
                    raise ModelError(_NOT_TOLD)
                self.ended = token in matcher.vocabulary.ends
                if not self.ended:
                    matcher.advance(token)
        except Exception as error:
            # Raised in here it would end the engine, and so every other request.
            self.fail(error)

    def allowed(self) -> NDArray[np.bool_] | None:
        """Whether each token may come next, shape ``(vocabulary,)``; ``None`` at an error or end.

        Where one token is left and the text may end, only that: with another it would be cut.
        """
        if self.error or self._matcher is None or self.ended:
            return None
        try:
            allowed = allowed_tokens(self._matcher)
        except Exception as error:
            # As above.
            self.fail(error)
            return None
        if allowed[self.end] and len(self.tokens) == self.most - 1:
            allowed[:] = False
            allowed[self.end] = True
        allowed[self.ends] = allowed[self.end]
        return allowed

    def note(self, log_probability: float) -> None:
        """Note the probability of the last token; of others that were not noted it is unknown."""
        missing = len(self.tokens) - len(self.log_probabilities) - 1
        self.log_probabilities += [*[math.nan] * missing, log_probability]

    def weigh(self, log_allowed: float, log_end: float, law: Any = None) -> None:
        """Note what is allowed of the next token; again, if its draw was thrown away."""
        known = len(self.tokens)
        del self.log_allowed[known:]
        missing = [math.nan] * (known - len(self.log_allowed))
        self.log_allowed += [*missing, min(log_allowed, 0.0)]
        self.log_end, self.law = log_end, law
        if log_allowed == -math.inf and self.start is not None:
            written = self.start.vocabulary.decode(self.tokens)
            self.fail(f"nothing that the constraint allows has any probability after {written!r}")

    def record(self) -> dict[str, Any]:
        """Everything that is known of it, ready for JSON: numbers that are not finite are null.

        At a dead end there is an ``error``, and the last of ``log_allowed`` is null.
        """
        return {
            "tokens": self.tokens,
            "ends": self.ends,
            "log_allowed": [finite_or_none(value) for value in self.log_allowed],
            "log_probability": finite_or_none(math.fsum(self.log_probabilities)),
            "log_end": finite_or_none(self.log_end),
            "error": self.error,
        }
