"""What surely can become a match, without a search: characters in a row, and groups captured."""

from __future__ import annotations

from math import inf

from condit.constraint.regular.captures import Captures
from condit.constraint.regular.expression import (
    END,
    Alternation,
    Atomic,
    Backreference,
    Capture,
    Complement,
    Concatenation,
    Conditional,
    Intersection,
    Look,
    Node,
    Repetition,
)
from condit.constraint.regular.fuzzy import Fuzzy
from condit.constraint.regular.rest import Again, Close, Rest, Return
from condit.constraint.regular.terms import TRUE, Or, Part, Step, Term

_ASKING = (Look, Backreference, Intersection, Complement, Atomic, Conditional, Fuzzy)


class SurelyLive:
    """Answers for the terms of one pattern; ``False`` says only that it is not known."""

    def __init__(self) -> None:
        self._plain: dict[Node, bool] = {}
        self._plain_rests: dict[Rest, bool] = {}

    def holds(self, term: Term) -> bool:
        """Whether some text surely follows."""
        if isinstance(term, Or):
            return any(map(self.holds, term.terms))
        if isinstance(term, Step):
            return self._is_plain(term.rest) or self._spells_itself(term.rest, term.captures)
        if isinstance(term, Part):
            own = self.holds(term.place.term)
            return own and self._spells_itself(term.rest, term.captures)
        return term is TRUE

    def _spells_itself(self, rest: Rest, captures: Captures) -> bool:
        """Whether it surely can be finished, what groups have captured being there."""
        if captures.errors:
            return False
        known = {group for group, text in captures.closed if text is not None}
        here: Rest | None = rest
        while here is not None and (item := here.item) is not None:
            if isinstance(item, Close):
                known.add(item.group)
            elif isinstance(item, Return):
                known = {group for group, text in item.captures.closed if text is not None}
            elif isinstance(item, Again):
                if item.least and not self._has_text(item.node, known):
                    return False
            elif not isinstance(item, Node) or not (
                self._has_text(item, known) or (_holds_at_end(item) and _may_end(here))
            ):
                return False
            here = here.tail
        return True

    def _has_text(self, node: Node, known: set[int]) -> bool:
        """Whether it surely has a text where the groups ``known`` are captured; more may become."""
        match node:
            case Backreference(group):
                return group in known
            case Capture(group, item):
                found = self._has_text(item, known)
                known.add(group)
                return found
            case Repetition(item, least):
                return not least or self._has_text(item, known)
            case Concatenation(items):
                return all(self._has_text(item, known) for item in items)
            case Alternation(choices):
                for choice in choices:
                    after = set(known)
                    if self._has_text(choice, after):
                        known |= after
                        return True
                return False
            case _:
                return self.is_plain(node)

    def _is_plain(self, rest: Rest) -> bool:
        found = self._plain_rests.get(rest)
        if found is None:
            item, tail = rest.item, rest.tail
            found = tail is None or (
                self._is_plain(tail) and (not isinstance(item, Node) or self.is_plain(item))
            )
            self._plain_rests[rest] = found
        return found

    def is_plain(self, node: Node) -> bool:
        """Whether it asks for nothing but characters in a row, and has a text."""
        found = self._plain.get(node)
        if found is None:
            asks = isinstance(node, _ASKING) or node.shortest == inf
            found = not asks and all(map(self.is_plain, node.parts))
            self._plain[node] = found
        return found


def _holds_at_end(node: Node) -> bool:
    r"""Whether it is ``$`` or ``\Z``, whatever it allows beside the text's end."""
    return node == END or (isinstance(node, Alternation) and END in node.choices)


def _may_end(rest: Rest) -> bool:
    """Whether nothing need follow."""
    here: Rest | None = rest
    while here is not None and (item := here.item) is not None:
        if isinstance(item, Again) and item.least:
            return False
        if isinstance(item, Node) and not (
            _holds_at_end(item) or (item.nullable and not item.asks)
        ):
            return False
        here = here.tail
    return True
