"""What may follow in a pattern, and what may follow after one more character: its derivatives.

Every way in which a backtracking matcher could go on is followed at once, as terms of
``terms.py``, in the order in which it would try them. So lookaround of any width, atomic groups,
backreferences, conditionals and calls mean what they mean to it, for texts that match as a whole.
Lookbehind is answered by following, from every place on, what it asks for.

Derivatives of expressions are from Brzozowski 1964 and Antimirov 1996; with lookaround, see
Varatalu, Veanes and Ernits 2025.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from math import inf

from condit.constraint.regular.backward import Behind, first_only, ways_behind
from condit.constraint.regular.captures import NO_CAPTURES, Captures
from condit.constraint.regular.characters import EVERY, Characters
from condit.constraint.regular.classes import Classes
from condit.constraint.regular.expression import (
    Alternation,
    Atomic,
    Backreference,
    Call,
    Capture,
    Complement,
    Concatenation,
    Conditional,
    Intersection,
    Look,
    Node,
    One,
    Repetition,
    nodes,
)
from condit.constraint.regular.fuzzy import Fuzzy
from condit.constraint.regular.loosened import loosened
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.prepared import Ahead, prepared
from condit.constraint.regular.rest import Again, Close, Ended, Rest, Return
from condit.constraint.regular.spelled import Spelled
from condit.constraint.regular.terms import (
    CUT,
    END,
    FALSE,
    TRUE,
    And,
    Here,
    Mark,
    Not,
    Or,
    Part,
    Place,
    Since,
    Step,
    Term,
    Threads,
    Ways,
    and_,
    mark,
    not_,
    or_,
    part,
    step,
    threads,
)
from condit.constraint.regular.verbs import Cut

_MOST_KEPT = 4096
"""Classes and what is known of the text before for which derivatives are kept, at most."""

Way = tuple[Term, Term]
"""A way to go on: a condition on what follows, and a term."""


class Derivatives:
    """The derivatives of one pattern.

    Attributes:
        classes: the characters that it tells apart.
        follows_text: whether it matters what a group has captured.
        is_finite: whether there are finitely many places.
        work: how many ways on were looked at so far, by which searches are limited: unlike
            seconds, it is the same each time.
    """

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern = prepared(pattern)
        self.work = 0
        self._after: dict[tuple[int, Here], dict[Term, Term]] = {}
        held = list(nodes([pattern.root, *pattern.groups.values()]))
        self._text_groups = {node.group for node in held if isinstance(node, Backreference)}
        self._mark_groups = {node.group for node in held if isinstance(node, Conditional)}
        keeps = any(isinstance(node, Ahead) for node in held)
        # What is not yet captured may be anything.
        self.classes = Classes([*_sets(held), EVERY] if keeps else _sets(held))
        behinds = [node.item for node in held if isinstance(node, Behind)]
        self._past_size: float | None = None
        if behinds:
            at_edges = any(isinstance(node, Look) for node in nodes(behinds))
            self._past_size = inf if at_edges else max(item.longest for item in behinds)
            keeps = True
        self.follows_text = bool(self._text_groups) or keeps
        captured = [node for node in held if isinstance(node, Capture)]
        calls = any(isinstance(node, Call) for node in held)
        self.is_finite = not (calls or keeps) and all(
            node.longest < inf for node in captured if node.group in self._text_groups
        )
        # Inner ones first, for they are asked by outer ones.
        looks = [node.item for node in held if isinstance(node, Look) and not node.ahead]
        self._asked = [*dict.fromkeys(reversed(looks))]
        self._behind = {item: number for number, item in enumerate(self._asked)}
        # Ways on from what is left of the pattern, where nothing else matters to them.
        self._kept: dict[Rest, tuple[list[Way], int]] = {}

    @property
    def pattern(self) -> Pattern:
        """The pattern, as it is followed."""
        return self._pattern

    @cached_property
    def start(self) -> Place:
        """The place before the first character."""
        return self._place(self._pattern.root)

    def _place(self, *roots: Node, negative: bool = False) -> Place:
        """The start of a text that is all of the roots (or ``negative``: not the only root)."""
        past = None if self._past_size is None else ""
        behind, here = self._look_behind([()] * len(self._asked), None, past)
        rests = [Rest.END.before(root) for root in roots]
        found = and_(*(self._formula(self._ways(rest, NO_CAPTURES, here)) for rest in rests))
        return Place.of(self, not_(found) if negative else found, behind, past)

    def next(self, place: Place, character: str) -> Place:
        """The place after one more character."""
        past = place.past
        if past is not None and self._past_size is not None:
            past += character
            if len(past) > self._past_size:
                past = past[len(past) - int(self._past_size) :]
        behind, here = self._look_behind(place.behind, character, past)
        term = _Derivation(self, character, here).term(place.term)
        # What lookbehind asks of a text that has ended needs no more following.
        if term in (TRUE, FALSE, END):
            return Place.of(self, term, ())
        return Place.of(self, term, behind, past)

    def known_after(self, number: int, here: Here) -> dict[Term, Term]:
        """What terms that do not spell become after a character of a class."""
        key = number, here
        if key not in self._after:
            if len(self._after) >= _MOST_KEPT:
                self._after.clear()
            self._after[key] = {}
        return self._after[key]

    def may_stop(self, term: Term) -> bool:
        """Whether the text may end here."""
        if isinstance(term, And):
            return all(map(self.may_stop, term.terms))
        if isinstance(term, Or):
            return any(map(self.may_stop, term.terms))
        if isinstance(term, Not):
            return not self.may_stop(term.term)
        return term in (TRUE, END)

    # Below: ways to go on.

    def _look_behind(
        self, before: Iterable[Ways], character: str | None, past: str | None
    ) -> tuple[tuple[Ways, ...], Here]:
        """Where each lookbehind is after a character, and on what condition it holds there."""
        behind: list[Ways] = []
        holds: list[Term] = []
        for node, ways in zip(self._asked, before, strict=False):
            found: list[Way] = []
            here = Here(tuple(holds), past or "")
            if character is not None:
                found += _Derivation(self, character, here).ways(ways)
            found += self._ways(Rest.MARK.before(node), NO_CAPTURES, here)
            holds.append(or_(*(condition for condition, way in found if isinstance(way, Mark))))
            behind.append(tuple(dict.fromkeys(w for w in found if not isinstance(w[1], Mark))))
        return tuple(behind), Here(tuple(holds), past or "")

    def _formula(self, ways: Iterable[Way]) -> Term:
        return or_(*(way if guard is TRUE else and_(guard, way) for guard, way in ways))

    def _ways(self, rest: Rest, captures: Captures, here: Here) -> list[Way]:
        """The ways to go on with ``rest``, in the order in which backtracking tries them."""
        if here or captures is not NO_CAPTURES:
            return self._find_ways(rest, captures, here)
        kept = self._kept.get(rest)
        if kept is None:
            before = self.work
            found = self._find_ways(rest, captures, here)
            kept = self._kept[rest] = (found, self.work - before)
        else:
            self.work += kept[1]  # what a search finds must not depend on what was asked before
        return kept[0]

    def _find_ways(self, rest: Rest, captures: Captures, here: Here) -> list[Way]:
        found: list[Way] = []
        seen: set[tuple[Term, Rest, Captures]] = set()
        waiting = [(TRUE, rest, captures)]
        while waiting:
            here_now = waiting.pop()
            self.work += 1
            condition, rest, captures = here_now
            if condition is FALSE or here_now in seen or (TRUE, rest, captures) in seen:
                continue  # what was tried before is not tried again
            seen.add(here_now)
            item, tail = rest.item, rest.tail
            if item is None or tail is None:
                ends = {"end": END, "any": TRUE, "cut": CUT}
                found.append((condition, ends.get(rest.final) or mark(captures)))
                continue
            more: list[tuple[Term, Rest, Captures]] = []
            match item:
                case One() if captures.errors:
                    steps, deleted = self._nearly(item, rest, tail, captures)
                    found += [(condition, each) for each in steps]
                    more = [(and_(condition, guard), tail, held) for guard, held in deleted]
                case _ if captures.errors and isinstance(item, Node) and Fuzzy.is_place(item):
                    place_ways = self._ways(Rest.ANY.before(item), captures.exact(), here)
                    holds = self._formula(place_ways)
                    if inserted := captures.wrong(1):
                        number = self.classes.numbers[captures.errors[-1][0].wrong]
                        found.append((and_(condition, not_(holds)), step(number, rest, inserted)))
                    more = [(and_(condition, holds), tail, captures)]
                case Fuzzy():
                    more = [(condition, tail.before(item.item, Ended()), captures.begun(item))]
                case Ended():
                    if inserted := captures.wrong(1):
                        number = self.classes.numbers[captures.errors[-1][0].wrong]
                        found.append((condition, step(number, rest, inserted)))
                    if ended := captures.ended():
                        more = [(condition, tail, ended)]
                case One():
                    number = self.classes.numbers[item.characters]
                    if item.characters.ranges:
                        found.append((condition, step(number, tail, captures)))
                case Concatenation():
                    more = [(condition, tail.before(*item.items), captures)]
                case Alternation():
                    more = [(condition, tail.before(each), captures) for each in item.choices]
                case Repetition():
                    more = [(condition, each, captures) for each in _repeated(item, tail, captures)]
                case Again():
                    # Once it was empty, further ones that need not be add nothing.
                    over = item.fresh and not item.least and item.closed == captures.closed
                    again = tail if over else tail.before(item.node)
                    more = [(condition, again, captures)]
                case Look():
                    asked = self._asked_for(item, captures, here)
                    more = [(and_(condition, asked), tail, captures)]
                case Atomic():
                    inner = self._ways(Rest.MARK.before(item.item), captures, here)
                    found += [
                        (and_(condition, guard), way)
                        for guard, way in self._first(inner, tail, here)
                    ]
                case Behind():
                    before = ways_behind(item.item, here.past, len(here.past), captures.exact())
                    if item.negative:
                        never = [not_(guard) for guard, _, _ in before]
                        more = [(and_(condition, *never), tail, captures)]
                    else:
                        more = [
                            (and_(condition, guard), tail, replace(captures, closed=held.closed))
                            for guard, _, held in first_only(before)
                        ]
                case Ahead():
                    known = Captures(captures.closed)
                    inner = self._ways(Rest.MARK.before(item.item), known, here)
                    since = Since(captures, here)
                    if not captures.errors:
                        loose = loosened(tail, item.item.captured)
                        condition = and_(
                            condition, self._formula(self._ways(loose, captures, here))
                        )
                    found += [
                        (and_(condition, guard), way)
                        for guard, way in self._first(inner, tail, here, since)
                    ]
                case Cut():
                    more = [(condition, tail, captures), (condition, Rest.CUT, captures)]
                case Capture():
                    more = [(condition, *self._opened(item, tail, captures))]
                case Close():
                    group = item.group
                    held = captures.captured(group, None) if item.marks else captures.close(group)
                    more = [(condition, tail, held)]
                case Backreference():
                    if (text := captures.text(item.group)) is not None:
                        spelled = [Spelled(text, item.folded)] if text else []
                        more = [(condition, tail.before(*spelled), captures)]
                case Conditional():
                    side = item.yes if captures.has(item.group) else item.no
                    more = [(condition, tail.before(side), captures)]
                case Call():
                    if not rest.calls(item.group):
                        called = self._pattern.groups.get(item.group, self._pattern.root)
                        back = Return(item.group, captures, True)
                        more = [(condition, tail.before(called, back), captures)]
                case Return():
                    kept = replace(captures, closed=item.captures.closed)
                    more = [(condition, tail, kept)]
                case Spelled():
                    found += [
                        (condition, step(fitting, tail.before(*after), captures))
                        for fitting, after in item.ways()
                    ]
                case Intersection():
                    found += self._parted(
                        condition, self._place(*item.members), tail, captures, here
                    )
                case Complement():
                    place = self._place(item.item, negative=True)
                    found += self._parted(condition, place, tail, captures, here)
                case _:
                    raise NotImplementedError(type(item).__name__)
            waiting += reversed(more)
        return found

    def _nearly(
        self, item: One, rest: Rest, tail: Rest, captures: Captures
    ) -> tuple[list[Term], list[tuple[Term, Captures]]]:
        """The ways on at a character in a fuzzy group: steps, and what it takes to leave it out."""
        right = self.classes.numbers[item.characters]
        wrong = self.classes.numbers[_wrong(captures.errors[-1][0], item)]
        steps = [step(right, tail, captures)]
        # Errors are only tried where the character does not match.
        if substituted := captures.wrong(0):
            steps.append(step(wrong, tail, substituted))
        if inserted := captures.wrong(1):
            steps.append(step(wrong, rest, inserted))
        deleted = captures.wrong(2)
        if deleted is None:
            return steps, []
        return steps, [(not_(step(right, Rest.ANY, NO_CAPTURES)), deleted)]

    def _asked_for(self, look: Look, captures: Captures, here: Here) -> Term:
        """The condition of a lookaround."""
        if look.ahead:
            rest = Rest.ANY.before(look.item)
            found = self._formula(self._ways(rest, captures.exact(), here))
        else:
            found = here.holds[self._behind[look.item]]
        return not_(found) if look.negative else found

    def _opened(self, capture: Capture, tail: Rest, captures: Captures) -> tuple[Rest, Captures]:
        group = capture.group
        if group in self._text_groups:
            return tail.before(capture.item, Close(group, False)), captures.opened(group)
        if group in self._mark_groups:
            return tail.before(capture.item, Close(group, True)), captures
        return tail.before(capture.item), captures

    def _first(
        self, ways: Iterable[Way], tail: Rest, here: Here, since: Since | None = None
    ) -> list[Way]:
        """Ways on of which backtracking takes the first that ends in a mark, and then ``tail``.

        ``tail`` begins here, or ``since`` a place before.
        """
        found: list[Way] = []
        going: list[Way] = []
        # Whether no way before has ended here, or cut this one off.
        open_still = TRUE
        for guard, way in ways:
            condition = and_(guard, open_still)
            if condition is FALSE:
                continue
            if way is CUT:
                open_still = and_(open_still, not_(guard))
                continue
            if not isinstance(way, Mark):
                going.append((condition, way))
                continue
            # It is taken if none that is tried before it ends further on.
            never = [not_(and_(before, _sometime(each))) for before, each in going]
            taken = and_(condition, *never)
            if since:
                after_it = self._since(since, tail, way.captures)
            else:
                after_it = self._ways(tail, way.captures, here)
            found += [(and_(taken, after), each) for after, each in after_it]
            open_still = and_(open_still, not_(guard))
            if open_still is FALSE:
                break
        if going:
            found.append((TRUE, threads(tuple(going), tail, since)))
        return found

    def _since(self, since: Since, tail: Rest, captures: Captures) -> list[Way]:
        """The ways to go on with ``tail``, which began at an earlier place."""
        ways = self._ways(tail, replace(since.captures, closed=captures.closed), since.here)
        for character, here in since.past:
            ways = _Derivation(self, character, here).ways(tuple(ways))
        return ways

    def _parted(
        self, condition: Term, place: Place, tail: Rest, captures: Captures, here: Here
    ) -> list[Way]:
        """Ways on in a text of its own, then ``tail``."""
        found: list[Way] = []
        if self.may_stop(place.term):
            found += [(and_(condition, g), way) for g, way in self._ways(tail, captures, here)]
        if place.term not in (FALSE, END):
            found.append((condition, part(place, tail, captures)))
        return found


class _Derivation:
    """What terms become after one character; ``here`` says which lookbehind holds after it."""

    def __init__(self, derivatives: Derivatives, character: str, here: Here) -> None:
        self._of, self._character, self._here = derivatives, character, here
        self._sets = derivatives.classes.sets(character)
        # What holds of all characters of the class, and what of this one alone.
        self._known = derivatives.known_after(self._sets, here)
        self._known_here: dict[Term, Term] = {}

    def term(self, term: Term) -> Term:
        """The term after the character."""
        known = self._known_here if term.spells else self._known
        found = known.get(term)
        if found is None:
            found = known[term] = self._find(term)
        return found

    def _find(self, term: Term) -> Term:
        if isinstance(term, And):
            kept = []
            for each in term.terms:
                kept.append(self.term(each))
                if kept[-1] is FALSE:
                    return FALSE
            return and_(*kept)
        if isinstance(term, Or):
            return or_(*map(self.term, term.terms))
        if isinstance(term, Not):
            return not_(self.term(term.term))
        if term in (TRUE, FALSE, END) or isinstance(term, Mark):
            return term if term is TRUE else FALSE
        return self._of._formula(self._way(term))

    def ways(self, ways: Ways) -> list[Way]:
        """The ways on after the character, in order."""
        found: list[Way] = []
        for condition, way in ways:
            after = self.term(condition)
            if after is not FALSE and way is not CUT and not isinstance(way, Mark):
                found += [(and_(after, guard), each) for guard, each in self._way(way)]
        return found

    def _way(self, term: Term) -> list[Way]:
        of, here = self._of, self._here
        if isinstance(term, Step):
            if isinstance(term.characters, str):
                fits = self._character in term.characters
            else:
                fits = bool(self._sets >> term.characters & 1)
            if not fits:
                return []
            captures = term.captures.extended(self._character)
            return of._ways(term.rest.settled(), captures, here)
        if isinstance(term, Threads):
            ways = self.ways(term.ways)
            if term.since:
                since = term.since.and_then(self._character, here)
                return of._first(ways, term.rest, here, since)
            return of._first(ways, term.rest.settled(), here)
        if isinstance(term, Part):
            place = of.next(term.place, self._character)
            captures = term.captures.extended(self._character)
            return of._parted(TRUE, place, term.rest.settled(), captures, here)
        return [(TRUE, self.term(term))]


def _repeated(node: Repetition, tail: Rest, captures: Captures) -> list[Rest]:
    """The ways to go on at a repetition."""
    item, least, most = node.item, node.least, node.most
    if most == 0:
        return [tail]
    left = Repetition(item, max(least - 1, 0), None if most is None else most - 1, node.lazy)
    if (least, most) == (0, None):
        left = node
    # An item that may be empty is not repeated once it was.
    last = left if item.shortest else Again(left, left.least, True, captures.closed)
    again = tail.before(item, last)
    if least:
        return [again]
    return [tail, again] if node.lazy else [again, tail]


def _sometime(term: Term) -> Term:
    """Whether the way ends at some later place, whatever follows."""
    if isinstance(term, Step):
        return step(term.characters, term.rest.ended(Rest.ANY), term.captures)
    if isinstance(term, Threads):
        return threads(term.ways, term.rest.ended(Rest.ANY), term.since)
    if isinstance(term, Part):
        return part(term.place, term.rest.ended(Rest.ANY), term.captures)
    return term


def _sets(held: Iterable[Node]) -> Iterator[Characters]:
    """The sets of characters that steps ask about."""
    for node in held:
        if isinstance(node, One):
            yield node.characters
        elif isinstance(node, Fuzzy):
            yield node.wrong
            yield from (_wrong(node, each) for each in nodes([node.item]) if isinstance(each, One))


def _wrong(fuzzy: Fuzzy, item: One) -> Characters:
    """The characters that may stand in an item's place, or before it, as errors."""
    return fuzzy.wrong.intersection(item.characters.complement())
