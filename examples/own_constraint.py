"""A constraint of your own: texts without a given letter, checked with ``condit.testing``.

A constraint has two sides that share no code: an oracle (``violation``) that judges a finished
text, and a matcher (``bind``) that steers one token at a time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import condit
from condit.constraint.base import pack
from condit.errors import RefusedTokenError
from condit.testing import World, check_every_spelling, check_matcher, check_sampler


@dataclass(frozen=True)
class Without(condit.Constraint):
    """Texts that do not hold ``letter``: a lipogram."""

    letter: str

    def violation(self, text: str) -> condit.Violation | None:
        """The oracle: it looks at the whole text."""
        place = text.find(self.letter)
        return condit.Violation(f"{self.letter!r} is not allowed", place) if place >= 0 else None

    def bind(self, vocabulary: condit.Vocabulary) -> condit.Matcher:
        """The matcher: a token is refused if the letter is in it."""
        return WithoutMatcher(self, vocabulary)


class WithoutMatcher(condit.Matcher):
    """Refuses every token that holds the letter; the text may stop anywhere."""

    # No text is refused that the oracle accepts, and every prefix can be finished.
    strength = condit.Strength.EXACT

    def __init__(self, constraint: Without, vocabulary: condit.Vocabulary) -> None:
        self.constraint = constraint
        self.vocabulary = vocabulary
        self.ended = False
        # ASCII only: a letter of several bytes could be split between two tokens.
        letter = constraint.letter.encode("ascii")
        self.allowed: NDArray[np.bool_] = np.array(
            [bool(spelled) and letter not in spelled for spelled in vocabulary.bytes]
        )
        self.allowed[vocabulary.end] = True

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next."""
        return not self.ended and 0 <= token < len(self.allowed) and bool(self.allowed[token])

    def mask(self) -> NDArray[np.uint32]:
        """All tokens at once."""
        return pack(np.zeros_like(self.allowed) if self.ended else self.allowed)

    def advance(self, token: int) -> None:
        """Append ``token``."""
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        self.ended = token == self.vocabulary.end

    def copy(self) -> condit.Matcher:
        """An independent matcher in the same state."""
        twin = WithoutMatcher.__new__(WithoutMatcher)
        twin.__dict__.update(self.__dict__)
        return twin

    def explain(self, token: int) -> str:
        """Why ``token`` is refused."""
        if self.allows(token):
            return ""
        if self.ended:
            return "the text has ended"
        return f"token {token} holds {self.constraint.letter!r}, or is not text"


def main() -> None:
    """Check the laws, then use it like any other constraint."""
    rng = np.random.default_rng(0)
    vocabulary = condit.Vocabulary.of(["a", "b", "c", "ab", "ca"])
    check_matcher(Without("b"), vocabulary, rng)
    check_every_spelling(Without("b"), vocabulary, "caca")
    tiny = condit.NgramModel.train(["abca", "ca", "aab"], vocabulary=vocabulary)
    check_sampler(condit.SMC(), World(tiny, Without("b"), prompt="a", max_tokens=3), runs=500)
    print("matcher and sampler obey their laws")

    model = condit.load("smollm2")
    messages = [{"role": "user", "content": "Describe a cat in one short sentence."}]
    result = condit.generate(model, messages, Without("e"), n=4, max_tokens=60, seed=0)
    print("without e:", result.best.text)


if __name__ == "__main__":
    main()
