"""The matcher of a schema whose grammar allows too much: the engine's, restricted by checks.

The grammar says which bytes may come next; the checks run when a key, a value, an item or an
object opens or closes; the oracle decides at the end of the text.
"""

from __future__ import annotations

import json
import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from jsonschema_rs import CanonicalSchema
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Strength, Violation, few_tokens, unpack
from condit.constraint.boundary import Boundary
from condit.constraint.describe import excerpt
from condit.constraint.ending import find_ending
from condit.constraint.ending_asked import asked_ending
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.engine import EngineMatcher
from condit.constraint.schema.beginning import begun_bytes, begun_text
from condit.constraint.schema.outlook import UNKNOWN, Outlook
from condit.constraint.schema.partial import look, unlisted
from condit.constraint.schema.parts import Forest, Node
from condit.constraint.schema.scanner import Mode, Scanner
from condit.constraint.schema.structure import Structure, end_of_string
from condit.errors import RefusedTokenError

_CLOSING = re.compile(rb"[]}]")
_BRACKET = re.compile(rb"[][{}]")


class Checks(Protocol):
    """Further checks of values as they close, such as those of a Python type."""

    def watch(self, scanner: Scanner) -> None:
        """Mark the open containers of which a value may be refused as ``watched``."""

    def objection(self, before: Scanner, after: Scanner) -> str | None:
        """What is wrong with a value that has closed between two states; ``None``: nothing."""

    def schema_objection(self, text: str) -> Violation | None:
        """What is wrong with a finished text by its JSON schema alone."""


def _always(schema: CanonicalSchema) -> bool:
    return True


class ClosingMatcher(Matcher):
    """What the engine allows, less what can no longer satisfy the schema.

    Refuses a key that comes twice in one object, for every schema. Safe to use from several
    threads, one call at a time.

    Attributes:
        vocabulary: the tokens.
        strength: SOUND: a value may have to close, and only then turn out to be wrong.
    """

    def __init__(
        self,
        engine: EngineMatcher,
        root: CanonicalSchema | None,
        relaxed_below: Callable[[CanonicalSchema], bool] = _always,
        relaxed_here: Callable[[CanonicalSchema], bool] = _always,
        checks: Checks | None = None,
    ) -> None:
        """A matcher at the empty text.

        Args:
            engine: a matcher of the grammar, at the empty text; it belongs to this one from now on.
            root: the canonical schema; ``None``: only keys that come twice are refused.
            relaxed_below: whether the grammar allows more than the schema at a node or anywhere
                below it; the others are left to the grammar.
            relaxed_here: whether it allows more at the node itself, so that no part of the node
                may be left to the grammar.
            checks: further checks of values as they close.
        """
        node = None if root is None else Node(root, Forest(relaxed_below, relaxed_here))
        root_node = node if node is not None and node.relaxed else None
        self._set(engine, root_node, Scanner(), checks)
        self._watch()

    def _set(
        self, engine: EngineMatcher, root: Node | None, scanner: Scanner, checks: Checks | None
    ) -> None:
        self.vocabulary = engine.vocabulary
        self.strength = Strength.SOUND
        self._engine = engine
        self._root = root
        self._scanner = scanner
        self._checks = checks
        self._structure = Structure.of(engine.vocabulary)
        self._bytes = engine.vocabulary.bytes
        self._verdicts: dict[bytes, bool] = {}
        self._any_string: dict[bytes, bool] = {}
        self._generic: tuple[Outlook, bytes | None, list[bytes]] | None = None
        # What was found at this state; copies share it until they advance.
        self._endings: dict[bool, Ending | None] = {}
        self._begun = False
        self._lock = threading.RLock()

    def _watch(self) -> None:
        """Mark the containers that have just opened, where checks look into them."""
        if self._root is not None:
            look(self._root, self._scanner)
        if self._checks is not None:
            self._checks.watch(self._scanner)

    def boundary(self) -> Boundary | None:
        """Where the last value began."""
        return self._engine.boundary()

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here."""
        with self._lock:
            if not self._engine.allows(token):
                return False
            piece = self._bytes[token]
            return not piece or self._passes(piece)

    def mask(self) -> NDArray[np.uint32]:
        """All allowed tokens, packed; see ``Matcher.mask``."""
        with self._lock:
            mask = self._engine.mask()
            suspects = mask & self._concerned()
            if (root := self._listing()) is not None:
                self._mask_listed(root, mask, suspects)
            if np.count_nonzero(suspects):
                tokens = few_tokens(suspects)
                if tokens is None:
                    tokens = unpack(suspects, len(self._bytes)).nonzero()[0]
                for token in tokens.tolist():
                    piece = self._bytes[token]
                    if piece and not self._passes(piece):
                        mask[token // 32] &= ~np.uint32(1 << token % 32)
        return mask

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the token is not allowed; the state is unchanged.
            ConstraintTooComplexError: the engine ran into one of its limits; the matcher cannot be
                used any more.
        """
        with self._lock:
            piece = self._bytes[token] if 0 <= token < len(self._bytes) else b""
            if piece and not self.allows(token):
                raise RefusedTokenError(self.explain(token))
            self._engine.advance(token)
            if not piece:
                return
            if self._scanner.feed(piece):
                self._watch()
            self._verdicts.clear()
            self._any_string.clear()
            self._generic = None
            self._endings, self._begun = {}, True

    def copy(self) -> ClosingMatcher:
        """An independent matcher in the same state; some microseconds."""
        with self._lock:
            twin = self._twin(self._engine.copy(), self._checks)
            twin._endings = self._endings
        return twin

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here; the end token may be the last of them."""
        with self._lock:
            forced = self._engine.forced()
            ahead = self.copy() if forced else self
        for place, token in enumerate(forced):
            if not ahead.allows(token):
                return forced[:place]
            ahead.advance(token)
        return forced

    def forced_text(self) -> bytes:
        """Bytes that must come next, as far as no check refuses them."""
        with self._lock:
            forced = self._engine.forced_text()
            passing = self._longest_passing([bytes((byte,)) for byte in forced])
        return forced[:passing]

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last."""
        with self._lock:
            count = self._engine.count_allowed(tokens)
            # A refusal is final, so the longest part that passes is found by bisection.
            return self._longest_passing([self._bytes[token] for token in tokens[:count]])

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """What would finish the text; see ``Matcher.ending``.

        Where the vocabulary lacks bytes and nothing is found, it is looked for in single bytes.
        """
        with self._lock:
            if thorough not in self._endings:
                found = self._find_ending(thorough)
                self._endings[thorough] = None if found is None else spell(found, self.vocabulary)
            return self._endings[thorough]

    def _find_ending(self, thorough: bool) -> bytes | None:
        hints = self._engine.hints
        if self._checks is None:
            found = find_ending(self, hints, thorough=thorough)
            if found is None and (by_byte := self._by_byte()) is not None:
                found = find_ending(by_byte, hints, thorough=thorough)
            return found
        unchecked = self._twin(self._engine.judged_by(self._checks.schema_objection), None)
        plain = unchecked.ending(thorough=thorough)
        if plain is None:
            return None
        by_byte = self._by_byte() or self
        found = asked_ending(by_byte, plain.text, hints())
        if found is None and not self._begun:
            # Once a run it may take longer.
            found = find_ending(by_byte, hints, thorough=thorough)
        return found

    def _by_byte(self) -> ClosingMatcher | None:
        """The same state over single bytes, where the vocabulary lacks some."""
        engine = self._engine.by_byte()
        return None if engine is None else self._twin(engine, self._checks)

    def _twin(self, engine: EngineMatcher, checks: Checks | None) -> ClosingMatcher:
        """A matcher in the same state, with another engine and other checks."""
        twin = ClosingMatcher.__new__(ClosingMatcher)
        twin._set(engine, self._root, self._scanner.copy(), checks)
        twin._begun = self._begun
        return twin

    def explain(self, token: int) -> str:
        """Why ``token`` is refused, in the schema's own terms; ``""`` where it is allowed."""
        with self._lock:
            if self.allows(token):
                return ""
            if not self._engine.allows(token):
                return self._engine.explain(token)
            after, piece = self._scanner.peek(), self._bytes[token]
            changed = after.feed(piece)
            reason = after.fault or self._look_at(after, piece, changed).reason()
            reason = reason or self._objection(after, changed) or ""
            return f"{excerpt(piece)} cannot come here: {reason}"

    def _passes(self, piece: bytes) -> bool:
        """Whether the schema can still be satisfied after ``piece``, which the engine allows."""
        scanner = self._scanner
        if b'"' not in piece and (root := self._listing()) is not None:
            outlook, begun, listed = self._unlisted(root)
            if begun is None or b"\\" in piece:
                written = begun_text(scanner.spelled + piece).encode()
            else:
                written = begun + piece
            if not any(text.startswith(written) for text in listed):
                return not outlook.never
        effect = piece
        if not scanner.top.exacting:
            effect = self._structure.effect(piece, scanner.mode)
            if not effect:
                return True
            if _BRACKET.search(effect):
                # It may end in a string or number of a container where these are looked at.
                effect = piece
        verdict = self._verdicts.get(effect)
        if verdict is None:
            verdict = self._verdicts[effect] = self._decide(effect)
        return verdict

    def _decide(self, effect: bytes) -> bool:
        """As ``_passes``, uncached; one answer for all strings where no check used their text."""
        scanner = self._scanner
        # All that is written after the string, with its closing quotation mark.
        rest = effect[end_of_string(effect) :] if scanner.mode is Mode.STRING else b""
        if not rest or scanner.in_key or _BRACKET.search(rest):
            return not self._refuses(effect)
        verdict = self._any_string.get(rest)
        if verdict is None:
            after = scanner.peek()
            verdict = not self._refuses(effect, after)
            closed = after.stack[len(scanner.stack) - 1].first_since(scanner.top)
            if closed is not None and not closed.looked_at and not after.fault:
                self._any_string[rest] = verdict
        return verdict

    def _listing(self) -> Node | None:
        """The schema, where the string that is being written may have to be one of a list."""
        scanner = self._scanner
        in_string = scanner.mode is Mode.STRING or scanner.mode is Mode.ESCAPED
        return self._root if in_string and scanner.top.exacting else None

    def _unlisted(self, root: Node) -> tuple[Outlook, bytes | None, list[bytes]]:
        """What is known if the string that is being written can become none that is listed.

        Also the bytes it begins with (``None``: cut inside an escape), and what is listed.
        """
        if self._generic is None:
            outlook, listed = unlisted(root, self._scanner)
            begun = begun_bytes(self._scanner.spelled)
            texts = [each.encode(errors="surrogatepass") for each in listed]
            self._generic = outlook, begun, texts
        return self._generic

    def _mask_listed(
        self, root: Node, mask: NDArray[np.uint32], suspects: NDArray[np.uint32]
    ) -> None:
        """Decide, in both masks, the many tokens that only go on with the string being written."""
        outlook, begun, listed = self._unlisted(root)
        if begun is None:
            return
        rests = [text[len(begun) :] for text in listed if text.startswith(begun)]
        others = self._structure.plain.copy()
        for token in self._structure.beginnings(rests, self.vocabulary.longest):
            others[token // 32] &= ~np.uint32(1 << token % 32)
        suspects &= ~others
        if outlook.never:
            mask &= ~others

    def _refuses(self, piece: bytes, after: Scanner | None = None) -> bool:
        """Whether no text that begins with the one so far and ``piece`` satisfies the schema.

        ``after``: a scanner to read it with, where the caller wants to see what it has read.
        """
        after = after or self._scanner.peek()
        changed = after.feed(piece)
        return (
            bool(after.fault)
            or self._look_at(after, piece, changed).never
            or self._objection(after, changed) is not None
        )

    def _objection(self, after: Scanner, changed: bool) -> str | None:
        """What ``checks`` refuse of a value that has closed between here and ``after``."""
        if self._checks is None or not changed:
            return None
        return self._checks.objection(self._scanner, after)

    def _longest_passing(self, pieces: Sequence[bytes]) -> int:
        """After how many of ``pieces``, in order, the schema can still be satisfied."""
        if not self._refuses(b"".join(pieces)):
            return len(pieces)
        # A refusal is final: bisection.
        sizes = range(1, len(pieces))
        return bisect_left(sizes, True, key=lambda size: self._refuses(b"".join(pieces[:size])))

    def _look_at(self, after: Scanner, piece: bytes, changed: bool) -> Outlook:
        """What is known after ``piece``, which led from here to ``after``."""
        top = self._scanner.top
        # Inside a container that no check looks into, only leaving it can matter.
        matters = changed and (top.watched or _CLOSING.search(piece) is not None)
        if self._root is None or not (matters or top.exacting):
            return UNKNOWN
        return look(self._root, after)

    def _concerned(self) -> NDArray[np.uint32]:
        """A superset of the tokens that a check may refuse, as a packed mask."""
        scanner, structure = self._scanner, self._structure
        in_string = scanner.mode is Mode.STRING or scanner.mode is Mode.ESCAPED
        if scanner.top.exacting:
            return ~np.zeros_like(structure.quote)
        # A key that comes twice must close, here or in a token that opens it as well.
        if scanner.in_key:
            keys = self._repeats()
        else:
            keys = structure.three_quotes if in_string else structure.two_quotes
        if scanner.top.watched:
            if in_string:
                return structure.quote
            if scanner.mode is Mode.NUMBER:
                return structure.not_number
            return ~np.zeros_like(keys)
        if any(frame.watched for frame in scanner.stack):
            brackets = structure.bracket & structure.quote if in_string else structure.bracket
            return keys | brackets
        return keys

    def _repeats(self) -> NDArray[np.uint32]:
        """A superset of the tokens that close a key which the object already has, as a mask."""
        structure, spelled = self._structure, self._scanner.spelled
        members = self._scanner.top.members
        if not members:
            return structure.three_quotes
        found = structure.three_quotes | structure.escaped_quote
        for key in members:
            normal = json.dumps(key, ensure_ascii=False)[1:-1].encode()
            if b"\\" in normal or b"\\" in spelled:
                return structure.quote
            if normal.startswith(spelled):
                for token in structure.closing.get(normal[len(spelled) :], ()):
                    found[token // 32] |= np.uint32(1 << token % 32)
        return found
