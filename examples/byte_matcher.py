"""A constraint said byte by byte: brackets that are balanced, nested no deeper than given.

The byte matcher is a few lines; ``condit.constraint.lifted`` makes of it what steers tokens.
"""

import re
from dataclasses import dataclass

import numpy as np

import condit
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.testing import World, check_byte_matcher, check_matcher, check_sampler

CLOSERS = {ord("("): b")", ord("["): b"]"}


@dataclass(frozen=True)
class OpenBrackets(ByteMatcher[bytes]):
    """Brackets that are closed by their likes. A state: what closes all that is open, backwards."""

    depth: int
    start = b""
    strength = condit.Strength.EXACT
    alphabet = b"()[]"

    def next(self, state: bytes, byte: int) -> bytes | None:
        """The state after a bracket; ``None`` where it may not come."""
        if byte in CLOSERS:
            return state + CLOSERS[byte] if len(state) < self.depth else None
        return state[:-1] if state and byte == state[-1] else None

    def may_stop(self, state: bytes) -> bool:
        """Where nothing is open."""
        return not state

    def ending(self, state: bytes) -> bytes:
        """Close everything. It would be found without this, too."""
        return state[::-1]

    def explain(self, state: bytes, byte: int | None) -> str:
        """Why a byte is refused."""
        deep = byte in CLOSERS and len(state) == self.depth
        return f"brackets are nested at most {self.depth} deep" if deep else ""


@dataclass(frozen=True)
class Balanced(condit.Constraint):
    """Balanced brackets. What is worked out for a byte matcher is kept as long as that lives."""

    brackets: OpenBrackets

    def bind(self, vocabulary: condit.Vocabulary) -> condit.Matcher:
        """The matcher: token by token."""
        return LiftedMatcher.bind(self.brackets, vocabulary)

    def violation(self, text: str) -> condit.Violation | None:
        """The oracle: take the innermost pairs out, turn by turn, until nothing is left."""
        left = text
        for _ in range(self.brackets.depth):
            left = re.sub(r"\(\)|\[\]", "", left)
        return condit.Violation("it is not balanced, or nested too deep") if left else None


def main() -> None:
    """Check the laws, then draw."""
    rng = np.random.default_rng(0)
    vocabulary = condit.Vocabulary.of(["(", ")", "[", "]", "()", "[(", ")]", "])", "Brackets: "])
    balanced = Balanced(OpenBrackets(3))
    check_byte_matcher(balanced.brackets, vocabulary, rng)
    check_matcher(balanced, vocabulary, rng)
    texts = [f"Brackets: {text}" for text in ("[()]", "([])()", "[[()]]", "()[]", "(([])")]
    model = condit.NgramModel.train(texts, vocabulary=vocabulary)
    world = World(model, Balanced(OpenBrackets(2)), prompt="Brackets: ", max_tokens=3)
    check_sampler(condit.SMC(), world, runs=300)
    print("matcher and sampler obey their laws")

    result = condit.generate(model, "Brackets: ", balanced, n=6, max_tokens=12, seed=0)
    print("balanced:", *[sample.text for sample in result.samples])
    matcher = Balanced(OpenBrackets(1)).bind(vocabulary)
    print("refused:", matcher.explain(vocabulary.first_token[b"[("]))


if __name__ == "__main__":
    main()
