"""The matcher of JSON some of whose strings follow machines of their own.

The schema's matcher says what may come everywhere. Inside such a string the mask is what the
string's machine allows as well; tokens that lead into or out of one are followed byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Outline, Strength, few_tokens, pack, unpack
from condit.constraint.boundary import Boundary
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.describe import describe_bytes, excerpt
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.schema.scanner import Mode, Scanner
from condit.constraint.state_cache import walked
from condit.errors import RefusedTokenError, VocabularyError
from condit.fields import Step
from condit.kept import Kept
from condit.vocabulary import Vocabulary

_QUOTE = ord('"')
_CLOSING = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)
_ONE = [bytes([byte]) for byte in range(256)]

_MOST_FIELDS = 100
"""Strings of an ending that are written by their machines, at most."""

Patterns = Sequence[Sequence[Step | None]]
Machines = Sequence[ByteMatcher[Any]]


def matching(patterns: Patterns, steps: Sequence[Step]) -> int | None:
    """The number of the first pattern that steps match; ``None``: of none."""
    for number, pattern in enumerate(patterns):
        if len(pattern) == len(steps) and all(
            wanted is None or wanted == step for wanted, step in zip(pattern, steps, strict=True)
        ):
            return number
    return None


class _Tokens(NamedTuple):
    """Sets of tokens by their quotation marks, as packed masks.

    Attributes:
        behind_one: tokens with something behind a quotation mark.
        behind_two: with something behind a second one.
        closing: for tokens of ``behind_one`` that may close a string: their bytes up to that.
    """

    behind_one: NDArray[np.uint32]
    behind_two: NDArray[np.uint32]
    closing: dict[int, bytes]


def _tokens_of(vocabulary: Vocabulary) -> _Tokens:
    size = len(vocabulary)
    one, two = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    closing = {}
    for token, spelled in enumerate(vocabulary.bytes):
        first = spelled.find(b'"')
        if 0 <= first < len(spelled) - 1:
            one[token] = True
            two[token] = 0 <= spelled.find(b'"', first + 1) < len(spelled) - 1
            found = _CLOSING.match(spelled)
            if found is not None:
                closing[token] = found[0]
    return _Tokens(pack(one), pack(two), closing)


_TOKENS = Kept(_tokens_of)


@dataclass(frozen=True)
class _Reading:
    """What is known of the text so far.

    Attributes:
        patterns: the paths of the strings.
        machines: those of the strings, as JSON strings.
        scanner: has read the text; never to be fed itself.
        field: the number of the string that is being written; ``None``: of none.
        state: the state of its machine.
    """

    patterns: Patterns
    machines: Machines
    scanner: Scanner
    field: int | None = None
    state: Any = None

    def after(self, piece: bytes) -> _Reading | None:
        """After further bytes, which the schema allows; ``None``: a machine refuses one."""
        return self.read(piece)[0]

    def read(self, piece: bytes, *, up_to_field: bool = False) -> tuple[_Reading | None, int]:
        """The same, and how many bytes were read before one is refused.

        Args:
            piece: the bytes.
            up_to_field: whether to stop behind the quotation mark that opens a string.
        """
        scanner, field, state = self.scanner.peek(), self.field, self.state
        if field is None and _QUOTE not in piece:
            scanner.feed(piece)
            return replace(self, scanner=scanner), len(piece)
        for place, byte in enumerate(piece):
            scanner.feed(_ONE[byte])
            if field is not None:
                state = self.machines[field].next(state, byte)
                if state is None:
                    return None, place
                if scanner.mode is Mode.BETWEEN:
                    field = state = None
            elif byte == _QUOTE and scanner.scalar == "string" and not scanner.spelled:
                field = matching(self.patterns, _path(scanner))
                if field is not None:
                    machine = self.machines[field]
                    state = machine.next(machine.start, byte)
                    if up_to_field:
                        size = place + 1
                        return replace(self, scanner=scanner, field=field, state=state), size
        return replace(self, scanner=scanner, field=field, state=state), len(piece)


def _path(scanner: Scanner) -> list[Step]:
    """The steps to the value that is being written."""
    return [
        (frame.key or "") if frame.kind == "object" else len(frame.items)
        for frame in scanner.stack[1:]
    ]


class FieldsMatcher(Matcher):
    """What the schema's matcher and the machines of some strings allow. Copies share nothing.

    Attributes:
        vocabulary: the tokens.
        strength: SOUND.
    """

    strength = Strength.SOUND

    @classmethod
    def begin(cls, within: Matcher, patterns: Patterns, machines: Machines) -> FieldsMatcher:
        """A matcher at the empty text.

        Args:
            within: the schema's matcher, which belongs to it from now on.
            patterns: the paths of the strings; ``None`` in one is any step.
            machines: for each path, what its strings follow, as written in JSON.
        """
        bound = [LiftedMatcher(machine, within.vocabulary) for machine in machines]
        return cls(within, bound, _Reading(patterns, machines, Scanner()))

    def __init__(
        self, within: Matcher, bound: Sequence[LiftedMatcher[Any]], reading: _Reading
    ) -> None:
        self.vocabulary = within.vocabulary
        self._within, self._bound, self._reading = within, bound, reading
        # What was found here; copies share it until they advance.
        self._endings: dict[bool, Ending | None] = {}

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here."""
        if not self._within.allows(token):
            return False
        piece = self.vocabulary.bytes[token]
        return not piece or self._reading.after(piece) is not None

    def mask(self) -> NDArray[np.uint32] | None:
        """All allowed tokens, packed; ``None`` where they are better asked about one by one."""
        mask, exact = self.outline()
        return mask if exact else None

    def outline(self) -> Outline:
        """What the schema allows, less what a machine refuses."""
        mask, exact = self._within.outline()
        if mask is None:
            return Outline(None, exact=False)
        tokens, reading = _TOKENS.of(self.vocabulary), self._reading
        mask = mask.copy()
        if reading.field is None:
            in_string = reading.scanner.mode in (Mode.STRING, Mode.ESCAPED)
            suspects = mask & (tokens.behind_two if in_string else tokens.behind_one)
        else:
            inside, known = self._bound[reading.field].at(reading.state).outline()
            exact = exact and known
            if inside is None:
                return Outline(mask, exact=False)
            suspects = mask & tokens.behind_one & ~inside
            mask &= inside
        few = few_tokens(suspects)
        if few is None:
            few = unpack(suspects, len(self.vocabulary)).nonzero()[0]
        for token, allowed in zip(few.tolist(), self._leading(few.tolist()), strict=True):
            word, bit = token // 32, np.uint32(1 << token % 32)
            mask[word] = mask[word] | bit if allowed else mask[word] & ~bit
        return Outline(mask, exact)

    def _leading(self, tokens: list[int]) -> list[bool]:
        """Of tokens that the schema allows, whether each leads out of the string, or into one."""
        reading, spelled = self._reading, self.vocabulary.bytes
        if reading.field is None or reading.scanner.mode is Mode.ESCAPED:
            return [reading.after(spelled[token]) is not None for token in tokens]
        closing = _TOKENS.of(self.vocabulary).closing
        machine = reading.machines[reading.field]
        # Most are refused for what stands before the quotation mark, which they have in common.
        closes: dict[bytes, bool] = {}
        found = []
        for token in tokens:
            piece, before = spelled[token], closing.get(token)
            if before is not None:
                if before not in closes:
                    closes[before] = walked(machine, reading.state, before) is not None
                if not closes[before] or _QUOTE not in piece[len(before) :]:
                    found.append(closes[before])
                    continue
            found.append(reading.after(piece) is not None)
        return found

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: it is not allowed; the state is unchanged.
        """
        piece = self.vocabulary.bytes[token] if 0 <= token < len(self.vocabulary) else b""
        reading = self._reading.after(piece) if piece and self._within.allows(token) else None
        if piece and reading is None:
            raise RefusedTokenError(self.explain(token))
        self._within.advance(token)
        if reading is not None:
            self._reading, self._endings = reading, {}

    def copy(self) -> FieldsMatcher:
        """An independent matcher in the same state."""
        twin = FieldsMatcher(self._within.copy(), self._bound, self._reading)
        twin._endings = self._endings
        return twin

    def boundary(self) -> Boundary | None:
        """That of the schema's matcher."""
        return self._within.boundary()

    def forced_text(self) -> bytes:
        """Bytes that the schema, or in a string its machine, forces."""
        reading = self._reading
        if reading.field is not None:
            return self._bound[reading.field].at(reading.state).forced_text()
        forced = self._within.forced_text()
        return forced[: reading.read(forced, up_to_field=True)[1]]

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The schema's ending, in which the strings are written by their machines."""
        if thorough not in self._endings:
            found = self._find_ending(thorough)
            self._endings[thorough] = None if found is None else spell(found, self.vocabulary)
        return self._endings[thorough]

    def _find_ending(self, thorough: bool) -> bytes | None:
        within: Matcher = self._within
        reading, text = self._reading, b""
        for _ in range(_MOST_FIELDS):
            if reading.field is None:
                found = within.ending(thorough=thorough)
                if found is None:
                    return None
                after, size = reading.read(found.text, up_to_field=True)
                if after is None or after.field is None:
                    return None if after is None else text + found.text
                piece = found.text[:size]
            else:
                own = reading.machines[reading.field].ending(reading.state)
                if own is None:
                    return None
                piece = own
                after = reading.after(piece)
            advanced = _advanced(within, piece)
            if advanced is None or after is None:
                return None
            within, reading, text = advanced, after, text + piece
        return None

    def explain(self, token: int) -> str:
        """Why ``token`` is refused, by the schema or by a string's machine; ``""`` if allowed."""
        if not self._within.allows(token):
            return self._within.explain(token)
        piece = self.vocabulary.bytes[token]
        after, size = self._reading.read(piece)
        if after is not None:
            return ""
        here = self._reading.after(piece[:size])
        said = f"{excerpt(piece)} cannot come here: the constraint of the field refuses it"
        if here is None or here.field is None:
            return said
        possible = frozenset(here.machines[here.field].possible(here.state))
        more = f" after {excerpt(piece[:size])}" if size else ""
        return f"{said}; it may continue with {describe_bytes(possible)}{more}"


def _advanced(matcher: Matcher, text: bytes) -> Matcher | None:
    """The matcher after a text; ``None`` where it refuses it, or no tokens spell it."""
    if not text:
        return matcher
    try:
        tokens = matcher.vocabulary.tokenize(text)
    except VocabularyError:
        return None
    if matcher.count_allowed(tokens) < len(tokens):
        return None
    after = matcher.copy()
    for token in tokens:
        after.advance(token)
    return after
