"""Worlds that can be enumerated: what they save time on changes nothing."""

from __future__ import annotations

import dataclasses

import condit
from condit import NgramModel
from condit.constraint.base import Constraint, Matcher, Violation
from condit.testing import World
from condit.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class Counting(Constraint):
    """A constraint that counts what it is asked."""

    inner: Constraint
    asked: list[str] = dataclasses.field(default_factory=list, compare=False)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        self.asked.append("bind")
        return self.inner.bind(vocabulary)

    def violation(self, text: str) -> Violation | None:
        self.asked.append(text)
        return self.inner.violation(text)


def test_the_constraint_is_compiled_once_and_asked_once_about_a_text(letters: NgramModel) -> None:
    counting = Counting(condit.regex("(ab|c)+"))
    world = World(letters, counting, "ab", 4)
    problems = [world.problem(2) for _ in range(3)]
    assert problems[0].constraint == counting
    first, second = (
        problem.constraint.bind(letters.vocabulary)
        for problem in problems[:2]
        if problem.constraint is not None
    )
    first.advance(letters.vocabulary.bytes.index(b"c"))
    assert first.allows(letters.vocabulary.end)
    assert not second.allows(letters.vocabulary.end)
    for problem in problems:
        assert problem.constraint is not None
        assert problem.constraint.accepts("abc")
        assert not problem.constraint.accepts("a")
    assert sorted(counting.asked) == ["a", "abc", "bind"]
