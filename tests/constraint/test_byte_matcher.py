from dataclasses import dataclass, field

import numpy as np
import pytest
from machines import MACHINES, AtMost, Counter, Quoted

from condit.constraint.boundary import Boundary
from condit.constraint.budgeted import Budgeted
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.errors import ArgumentError
from condit.testing import BrokenLawError, check_byte_matcher


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES, ids=repr)
def test_laws(machine, by_byte, overlapping):
    check_byte_matcher(machine, by_byte, np.random.default_rng(0), walks=3, steps=8)
    check_byte_matcher(machine, overlapping, np.random.default_rng(1), walks=6, steps=20)


class Forgetful(AtMost):
    """Its state leaves out what matters: how many bytes there were is known modulo three."""

    def next(self, state, byte):
        after = super().next(state, byte)
        return None if after is None else Vague(after)


class Vague(int):
    """Equal to numbers that differ from it by three."""

    def __eq__(self, other):
        return int(self) % 3 == int(other) % 3

    def __hash__(self):
        return int(self) % 3


@dataclass(frozen=True)
class Counting(AtMost):
    """It has a memory."""

    asked: list[int] = field(default_factory=lambda: [0], compare=False)

    def next(self, state, byte):
        self.asked[0] += 1
        return None if self.asked[0] % 300 == 0 else super().next(state, byte)


class Optional(Quoted):
    def options(self, state):
        return (34, 35)


class Stuck(AtMost):
    def may_stop(self, state):
        return False


class Ends(AtMost):
    def ending(self, state):
        return b"x" * 9


class Far(Counter):
    def near(self, state, length):
        return min(state, self.most - length)


class Narrow(AtMost):
    alphabet = b"abc"


class Trap(AtMost):
    """Past the limit bytes may still come, and the text may never stop."""

    def next(self, state, byte):
        return min(state + 1, self.most + 1) if byte in self.alphabet else None

    def may_stop(self, state):
        return state <= self.most


class Backwards(AtMost):
    def boundary(self, state):
        return Boundary((self.most - state,))


class Bare(AtMost):
    def boundary(self, state):
        return (state,)


class Listed(AtMost):
    def boundary(self, state):
        return Boundary([state])


class Halfway(AtMost):
    def boundary(self, state):
        return Boundary((state,)) if state > 1 else None


@pytest.mark.parametrize(
    ("machine", "law"),
    [
        (Trap(3), "lets no text stop, whatever follows"),
        (Forgetful(4), "lead to equal states"),
        (Counting(9), "asked again"),
        (Optional(), "the options are not the bytes"),
        (Stuck(3), "EXACT machine has no way on"),
        (Ends(3), "the text may not stop"),
        (Far(20), "others may come than near it"),
        (Narrow(3), "not of the alphabet"),
        (Backwards(4), r"the progress decreases after .*, from \(4,\) to"),
        (Bare(4), r"Bare.boundary must return a Boundary, .*, not \(0,\)"),
        (Listed(4), r"Listed.boundary must return .* tuple of whole numbers"),
        (Halfway(4), "the boundary is known in some states only"),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, ByteMatcher) else "",
)
def test_the_laws_can_be_broken(machine, law, overlapping, rng):
    with pytest.raises(BrokenLawError, match=law):
        check_byte_matcher(machine, overlapping, rng)


def test_what_is_possible_is_asked_for_where_it_is_not_given():
    assert list(Quoted().possible(0)) == [34]
    assert list(Quoted().possible(1)) == list(range(32, 256))
    assert list(AtMost(1).possible(1)) == []


@pytest.mark.parametrize("machine", [Bare(4), Listed(4)], ids=repr)
def test_what_is_no_boundary_is_said_before_lanes_are_compared(machine, overlapping):
    matcher = Budgeted(LiftedMatcher.bind(machine, overlapping), 4)
    with pytest.raises(ArgumentError, match=f"{type(machine).__name__}.boundary must return a"):
        matcher.boundary()
