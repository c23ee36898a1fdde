"""The matcher of JSON some of whose strings follow machines of their own.

The schema's matcher says what may come everywhere. Inside such a string the mask is what the
string's machine allows as well; tokens that lead into or out of one are followed byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Outline, Strength, few_tokens, unpack
from condit.constraint.boundary import Boundary
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.describe import describe_bytes, excerpt
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.json_fields_tokens import QUOTED_TOKENS, ClosingNode
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.schema.scanner import Mode, Scanner
from condit.constraint.state_cache import walked
from condit.errors import RefusedTokenError, VocabularyError
from condit.fields import Step

_QUOTE = ord('"')
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


@dataclass(frozen=True)
class _Reading:
    """What is known of the text so far.

    Attributes:
        patterns: the paths of the strings.
        machines: those of the strings, as JSON strings.
        scanner: has read the text; never to be fed itself.
        opened: for the number of a string, and bytes that begin and do not end it, what its
            machine is in after them (``None``: it refuses them); a cache, of whole tokens.
        field: the number of the string that is being written; ``None``: of none.
        state: the state of its machine.
    """

    patterns: Patterns
    machines: Machines
    scanner: Scanner
    opened: dict[tuple[int, bytes], Any]
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
                    size = place + 1
                    begun = piece[place:size] if up_to_field else piece[place:]
                    if _QUOTE not in begun[1:]:
                        state = self._opened(field, begun)
                        if state is None:
                            return None, size
                        scanner.feed(begun[1:])
                        size = place + len(begun)
                        return replace(self, scanner=scanner, field=field, state=state), size
                    state = self._opened(field, piece[place:size])
        return replace(self, scanner=scanner, field=field, state=state), len(piece)

    def _opened(self, field: int, begun: bytes) -> Any:
        key = field, begun
        if key not in self.opened:
            machine = self.machines[field]
            self.opened[key] = walked(machine, machine.start, begun)
        return self.opened[key]


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
        return cls(within, bound, _Reading(patterns, machines, Scanner(), {}))

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
        tokens, reading = QUOTED_TOKENS.of(self.vocabulary), self._reading
        outer, mask = mask, mask.copy()
        mode = reading.scanner.mode
        if reading.field is None:
            in_string = mode in (Mode.STRING, Mode.ESCAPED)
            suspects = mask & (tokens.behind_two if in_string else tokens.behind_one)
            self._ask(mask, suspects)
            return Outline(mask, exact)
        inside, known = self._bound[reading.field].at(reading.state).outline()
        if inside is None:
            return Outline(mask, exact=False)
        mask &= inside
        if mode is Mode.ESCAPED:
            # A quotation mark need not close the string.
            self._ask(mask, outer & tokens.behind_one & ~inside)
        else:
            for node in self._closing(tokens.closing):
                np.bitwise_or.at(mask, node.words, outer[node.words] & node.bits)
                if node.others:
                    others = np.zeros_like(mask)
                    for token in node.others:
                        others[token // 32] |= np.uint32(1 << token % 32)
                    self._ask(mask, outer & others)
        return Outline(mask, exact and known)

    def _ask(self, mask: NDArray[np.uint32], suspects: NDArray[np.uint32]) -> None:
        """Decide about tokens one by one, in the mask."""
        few = few_tokens(suspects)
        if few is None:
            few = unpack(suspects, len(self.vocabulary)).nonzero()[0]
        for token in few.tolist():
            word, bit = token // 32, np.uint32(1 << token % 32)
            allowed = self._reading.after(self.vocabulary.bytes[token]) is not None
            mask[word] = mask[word] | bit if allowed else mask[word] & ~bit

    def _closing(self, tree: ClosingNode) -> Iterator[ClosingNode]:
        """The nodes at which tokens close the string as its machine allows."""
        machine = self._reading.machines[self._reading.field or 0]
        waiting = [(tree, self._reading.state)]
        while waiting:
            node, state = waiting.pop()
            if len(node.words) or node.others:
                yield node
            options = None
            if len(node.below) > 1 and machine.has_quick_mask(state):
                options = machine.options(state)
            for byte in node.below if options is None else options:
                below = node.below.get(byte)
                after = None if below is None else machine.next(state, byte)
                if below is not None and after is not None:
                    waiting.append((below, after))

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
                own = self._bound[reading.field].at(reading.state).ending(thorough=thorough)
                if own is None:
                    return None
                piece = own.text
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
