"""The mask engine, llguidance, as a matcher; its peculiarities are handled here and nowhere else.

A grammar here is text in llguidance's dialect of Lark; the constraints write it, users never see
it. This file does not know what a regex or a schema is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Strength, Violation, unpack
from condit.constraint.boundary import Boundary
from condit.constraint.describe import describe_bytes, excerpt
from condit.constraint.ending import find_ending
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.spelling import UTF8_BYTES, Spelling
from condit.errors import ConstraintTooComplexError, RefusedTokenError, VocabularyError
from condit.foreign.llguidance import (
    LLMatcher,
    LLParserLimits,
    dead_end,
    first_line,
    first_paragraph,
)
from condit.vocabulary import Vocabulary

# Where bytes are forced, the engine's mask would keep only the tokenizer's own way to write
# them, while it still accepts the others one by one. A mask must be the legal set.
HEADER = '%llguidance {"no_forcing": true}\n'

_BYTES = Vocabulary.of_bytes()

# Ten times what the engine would allow itself: a slow step is better than none.
_LIMITS = LLParserLimits(
    initial_lexer_fuel=10_000_000,
    step_lexer_fuel=2_000_000,
    step_max_items=500_000,
    max_items_in_row=20_000,
    verbose_errors=False,
)


@dataclass(frozen=True)
class Probe:
    """What the engine says of a grammar, over a vocabulary of single bytes.

    Attributes:
        error: why it does not compile, or ``""``.
        warnings: parts that it does not compile in full.
        first_bytes: the bytes that can begin a text.
        accepts_empty: whether the empty text is accepted.
    """

    error: str
    warnings: tuple[str, ...] = ()
    first_bytes: frozenset[int] = frozenset()
    accepts_empty: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the grammar has no text at all."""
        return not self.error and not self.first_bytes and not self.accepts_empty


def probe(grammar: str) -> Probe:
    """Compile ``grammar`` against single bytes and look at its first step.

    Raises:
        ConstraintTooComplexError: the first step already runs into a limit of the engine.
    """
    engine = LLMatcher(Spelling.of(_BYTES).tokenizer, grammar, log_level=0, limits=_LIMITS)
    if engine.is_error():
        return Probe(first_paragraph(engine.get_error()))
    warnings = tuple(engine.get_grammar_warnings())
    matcher = EngineMatcher(engine, _BYTES, Strength.SOUND)
    allowed = unpack(matcher.mask(), len(_BYTES)).nonzero()[0].tolist()
    first_bytes = frozenset(allowed) - {_BYTES.end}
    return Probe("", warnings, first_bytes, matcher.allows(_BYTES.end))


class Boundaries(Protocol):
    """An immutable reader of texts that knows the last boundary."""

    @property
    def boundary(self) -> Boundary:
        """The last boundary of the text read so far."""

    def after(self, text: bytes) -> Self:
        """The reader after ``text`` more."""


class EngineMatcher(Matcher):
    """A matcher that asks llguidance. Safe to use from several threads, one call at a time.

    Attributes:
        vocabulary: the tokens.
        strength: as claimed by the constraint that made it.
        hints: pieces of text that may be of use for an ending.
        ending_after: an ending of a text, by other means; ``None``: none are known.
        boundaries: reads the text along; ``None``: it has no boundaries that are known.
    """

    @classmethod
    def bind(
        cls,
        grammar: str,
        vocabulary: Vocabulary,
        *,
        exact_over: frozenset[int] | None = UTF8_BYTES,
        objection: Callable[[str], Violation | None] | None = None,
        doubtful: bool = True,
        hints: Callable[[], Sequence[bytes]] = tuple,
        ending_after: Callable[[bytes], bytes | None] | None = None,
    ) -> Self:
        """A matcher at the empty text, for a grammar that ``probe`` has found to compile.

        Args:
            grammar: in the engine's own language.
            vocabulary: the tokens.
            exact_over: the bytes that the texts are made of, where the grammar is known to have
                no dead ends: a vocabulary with a token for each of them makes the matcher EXACT.
                ``None`` where the grammar may have dead ends.
            objection: a check of a text that the grammar accepts; the end token is allowed only
                where it returns ``None``.
            doubtful: whether the grammar allows texts to which there is an objection. If not,
                ``count_allowed`` saves itself the check, which is slow.
            hints: gives pieces of text for the search of an ending, if it finds none without.
            ending_after: finds an ending of a text by other means, where a simple search does not.

        Raises:
            VocabularyError: no token can begin a text.
            ConstraintTooComplexError: the engine ran into one of its limits.
        """
        # Compiled afresh each time: copies share a lexer, the number of whose states is limited.
        spelling = Spelling.of(vocabulary)
        engine = LLMatcher(spelling.tokenizer, grammar, log_level=0, limits=_LIMITS)
        if engine.is_error():
            raise _too_complex(engine)
        exact = exact_over is not None and exact_over <= spelling.single_bytes
        strength = Strength.EXACT if exact else Strength.SOUND
        matcher = cls(engine, vocabulary, strength, objection, grammar=grammar)
        matcher._doubtful, matcher.hints = doubtful, hints
        matcher.ending_after = ending_after
        if not matcher.mask().any():
            missing = probe(grammar).first_bytes
            raise VocabularyError(
                "no token of this vocabulary can begin a text that satisfies the constraint; "
                f"it may begin with {describe_bytes(missing)}, but no token does. "
                "Use a vocabulary that has them, or loosen the constraint's beginning"
            )
        return matcher

    def __init__(
        self,
        engine: LLMatcher,
        vocabulary: Vocabulary,
        strength: Strength,
        objection: Callable[[str], Violation | None] | None = None,
        text: bytes = b"",
        grammar: str = "",
    ) -> None:
        self.vocabulary = vocabulary
        self.strength = strength
        self._engine = engine
        self._spelling = Spelling.of(vocabulary)
        self._bytes = vocabulary.bytes
        self._objection = objection
        self._text = text
        self._verdict: Violation | None = None
        self._judged = objection is None
        self._ended = False
        self._grammar = grammar
        self._doubtful = True
        self.hints: Callable[[], Sequence[bytes]] = tuple
        self.ending_after: Callable[[bytes], bytes | None] | None = None
        # Endings at this state, thorough and not; copies share them until they advance.
        self._endings: dict[bool, Ending | None] = {}
        self.boundaries: Boundaries | None = None
        # The engine refuses, by an exception, to be used by two threads at once.
        self._lock = threading.RLock()

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here.

        Raises:
            ConstraintTooComplexError: the engine ran into one of its limits.
        """
        # An id outside the vocabulary would break the engine for good, even when only asked.
        if self._ended or not 0 <= token < len(self._bytes):
            return False
        with self._lock:
            if not self._bytes[token]:
                return token == self.vocabulary.end and self._may_stop()
            if self._engine.validate_tokens([token]) == 1:
                return True
            self._check()
            return False

    def mask(self) -> NDArray[np.uint32]:
        """All allowed tokens, packed; see ``Matcher.mask``.

        Raises:
            ConstraintTooComplexError: the engine ran into one of its limits.
        """
        mask = np.zeros(-(-len(self._bytes) // 32), dtype=np.uint32)
        if self._ended:
            return mask
        with self._lock:
            self._engine.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
            self._check()
            # The engine sets the end bit also where the text may not stop.
            mask &= self._spelling.text_mask
            if self._may_stop():
                end = self.vocabulary.end
                mask[end // 32] |= np.uint32(1 << end % 32)
        return mask

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the token is not allowed; the state is unchanged.
            ConstraintTooComplexError: the engine ran into one of its limits; the matcher cannot be
                used any more.
        """
        with self._lock:
            is_text = 0 <= token < len(self._bytes) and bool(self._bytes[token])
            if self._ended or not is_text:
                if not self.allows(token):
                    raise RefusedTokenError(self.explain(token))
                self._ended = True
                return
            # ``consume_token`` would break the engine on a refusal; this only says no.
            if self._engine.try_consume_tokens([token]) != 1:
                self._check()
                raise RefusedTokenError(self.explain(token))
            self._check()
            self._text += self._bytes[token]
            if self.boundaries is not None:
                self.boundaries = self.boundaries.after(self._bytes[token])
            self._verdict, self._judged = None, self._objection is None
            self._endings = {}

    def copy(self) -> Self:
        """An independent matcher in the same state; some microseconds."""
        with self._lock:
            engine = self._engine.deep_copy()
            twin = type(self)(
                engine, self.vocabulary, self.strength, self._objection, self._text, self._grammar
            )
            twin._verdict, twin._judged, twin._ended = self._verdict, self._judged, self._ended
            twin._endings, twin._doubtful = self._endings, self._doubtful
            twin.hints, twin.boundaries = self.hints, self.boundaries
            twin.ending_after = self.ending_after
        return twin

    def boundary(self) -> Boundary | None:
        """The last boundary; ``None`` where nothing reads them."""
        return None if self.boundaries is None else self.boundaries.boundary

    def judged_by(self, objection: Callable[[str], Violation | None]) -> Self:
        """A copy whose finished text is checked in another way."""
        twin = self.copy()
        twin._objection, twin._verdict, twin._judged = objection, None, False
        twin._endings = {}
        return twin

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here; the end token may be the last of them."""
        forced: list[int] = []
        ahead = self.copy()
        # Where no byte is forced, hardly ever is a token: a mask would be wasted.
        while not ahead._ended and (ahead._engine.compute_ff_bytes() or ahead._engine.is_stopped()):
            allowed = unpack(ahead.mask(), len(self._bytes)).nonzero()[0]
            if len(allowed) != 1:
                break
            forced.append(int(allowed[0]))
            ahead.advance(forced[-1])
        return tuple(forced)

    def forced_text(self) -> bytes:
        """Bytes that must come next, however they are split into tokens."""
        with self._lock:
            forced: bytes = b"" if self._ended else self._engine.compute_ff_bytes()
        return forced

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last.

        Raises:
            ConstraintTooComplexError: the engine ran into one of its limits.
        """
        texts = list(tokens)
        ends = bool(texts) and texts[-1] == self.vocabulary.end
        if ends:
            texts.pop()
        if self._ended or not self._spelling.texts.issuperset(texts):
            return super().count_allowed(tokens)
        with self._lock:
            # The engine takes its end token for a question whether the text may stop.
            asked = [*texts, self.vocabulary.end] if ends else texts
            count: int = self._engine.validate_tokens(asked)
            if count < len(tokens):
                self._check()
            elif ends and self._doubtful and self._objection is not None:
                text = self._text + self.vocabulary.spell(texts)
                if self._objection(text.decode("utf-8", errors="replace")) is not None:
                    return len(texts)
        return count

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """What would finish the text; see ``Matcher.ending``.

        Where the vocabulary lacks bytes and nothing is found, it is looked for in single bytes.
        """
        if self._ended:
            return None
        if thorough not in self._endings:
            found = self._find_ending(self, thorough)
            if found is None and (by_byte := self.by_byte()) is not None:
                found = self._find_ending(by_byte, thorough)
            self._endings[thorough] = None if found is None else spell(found, self.vocabulary)
        return self._endings[thorough]

    def _find_ending(self, matcher: EngineMatcher, thorough: bool) -> bytes | None:
        after, tokens = self.ending_after, matcher._spelling.single_bytes

        def known() -> bytes | None:
            found = None if after is None else after(self._text)
            # It may need bytes that are no tokens here.
            return found if found is not None and tokens.issuperset(found) else None

        return find_ending(
            matcher, self.hints, known=None if after is None else known, thorough=thorough
        )

    def by_byte(self) -> EngineMatcher | None:
        """A matcher in the same state over single bytes.

        ``None`` where this one's vocabulary has them all, or the grammar is not known.
        """
        if not self._grammar or self._spelling.single_bytes >= UTF8_BYTES:
            return None
        twin = EngineMatcher.bind(
            self._grammar,
            _BYTES,
            exact_over=None,
            objection=self._objection,
            doubtful=self._doubtful,
            hints=self.hints,
        )
        for byte in self._text:
            twin.advance(byte)
        return twin

    def explain(self, token: int) -> str:
        """Why ``token`` is refused, and what may come instead; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        if self._ended:
            return "the text has ended: nothing may follow"
        if not 0 <= token < len(self._bytes):
            return f"token {token} is outside the vocabulary of {len(self._bytes)} tokens"
        if token == self.vocabulary.end:
            if self._verdict is not None:
                return f"the text cannot stop here: {self._verdict}; {self._options()}"
            return f"the text cannot stop after {excerpt(self._text)}; {self._options()}"
        if token in self.vocabulary.ends:
            return f"token {token} is another end token: the one to use is {self.vocabulary.end}"
        if not self._bytes[token]:
            return f"token {token} is not text: it is a special or unused id"
        piece = excerpt(self._bytes[token])
        return f"{piece} cannot follow {excerpt(self._text)}; {self._options()}"

    def _options(self) -> str:
        """What may come here, in words."""
        allowed = unpack(self.mask(), len(self._bytes))
        allowed[self.vocabulary.end] = False
        firsts = frozenset(np.unique(self._spelling.first_bytes[allowed]).tolist())
        if firsts:
            return f"here the text may continue with {describe_bytes(firsts)}"
        if self._may_stop():
            return "here the text can only stop"
        return "no token of this vocabulary can continue it"

    def _may_stop(self) -> bool:
        if not self._engine.is_accepting():
            return False
        if not self._judged and self._objection is not None:
            self._verdict = self._objection(self._text.decode("utf-8", errors="replace"))
            self._judged = True
        return self._verdict is None

    def _check(self) -> None:
        """Raise if the engine has failed, and not merely found that the text is a dead end."""
        if self._engine.is_error() and first_line(self._engine.get_error()) != dead_end():
            raise _too_complex(self._engine)


def _too_complex(engine: LLMatcher) -> ConstraintTooComplexError:
    reason = first_line(engine.get_error())
    return ConstraintTooComplexError(
        f"the constraint is too complex for the mask engine: {reason}. "
        "Smaller repeat counts, fewer nested repeats and less ambiguity make it simpler"
    )
