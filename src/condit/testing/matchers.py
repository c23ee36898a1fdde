"""The laws of matchers, checked along random walks, and for every spelling of a text."""

from __future__ import annotations

import numpy as np

from condit.constraint.base import Constraint, Matcher, Strength, unpack
from condit.constraint.boundary import Boundary, checked_boundary
from condit.errors import ArgumentError, RefusedTokenError
from condit.testing.laws import BrokenLawError, require
from condit.vocabulary import Vocabulary


def check_matcher(
    constraint: Constraint,
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    *,
    walks: int = 20,
    steps: int = 40,
) -> None:
    """Walk at random through allowed tokens, and check every law at every state.

    ``mask`` and ``allows`` agree; an allowed token can be appended, and a refused one raises and
    changes nothing; copies are independent; the end is allowed exactly where the oracle accepts;
    a forced token is the only choice; an EXACT matcher always allows some token before the end, and
    none after it; the boundary depends on the tokens alone, is known everywhere or nowhere, and its
    progress never decreases.

    Args:
        constraint: the constraint.
        vocabulary: the tokens; all of them are asked about at every state, so keep it small.
        rng: random numbers for the walks.
        walks: random walks from the empty text.
        steps: tokens in one walk at most.

    Raises:
        BrokenLawError: which law, and after which text.
    """
    for _ in range(walks):
        matcher = constraint.bind(vocabulary)
        tokens: list[int] = []
        boundaries = [matcher.boundary()]
        for _ in range(steps):
            allowed = _check_state(constraint, matcher, vocabulary, tokens)
            further = [token for token in allowed if token != vocabulary.end]
            if not further:
                break
            token = int(rng.choice(further))
            sibling = matcher.copy()
            matcher.advance(token)
            require(
                _allowed(sibling) == allowed,
                f"appending to a matcher changed its copy, after {vocabulary.decode(tokens)!r}",
            )
            tokens.append(token)
            boundaries.append(matcher.boundary())
        _check_boundaries(constraint.bind(vocabulary), tokens, boundaries)
        if matcher.allows(vocabulary.end):
            matcher.advance(vocabulary.end)
            require(not _allowed(matcher), "something is allowed after the end")
            require(matcher.boundary() == boundaries[-1], "the end token is no boundary")


def check_every_spelling(
    constraint: Constraint, vocabulary: Vocabulary, text: str, *, limit: int = 2000
) -> None:
    """Check that every sequence of tokens that spells a valid text is allowed.

    Args:
        constraint: the constraint; its oracle must accept ``text``.
        vocabulary: the tokens.
        text: a valid text.
        limit: how many spellings are tried at most.

    Raises:
        BrokenLawError: a spelling that is refused, with the token and what the matcher says.
    """
    require(constraint.accepts(text), f"{text!r} is not valid: {constraint.explain(text)}")
    data = text.encode()
    tried = 0
    waiting: list[tuple[int, Matcher]] = [(0, constraint.bind(vocabulary))]
    while waiting and tried < limit:
        place, matcher = waiting.pop()
        if place == len(data):
            tried += 1
            require(matcher.allows(vocabulary.end), f"{text!r} may not end")
            continue
        for token, spelled in enumerate(vocabulary.bytes):
            if spelled and data.startswith(spelled, place):
                require(
                    matcher.allows(token),
                    f"{spelled!r} is refused after {data[:place]!r} of {text!r}: "
                    f"{matcher.explain(token)}",
                )
                further = matcher.copy()
                further.advance(token)
                waiting.append((place + len(spelled), further))


def _allowed(matcher: Matcher) -> list[int]:
    return [token for token in range(len(matcher.vocabulary)) if matcher.allows(token)]


def _check_state(
    constraint: Constraint, matcher: Matcher, vocabulary: Vocabulary, tokens: list[int]
) -> list[int]:
    here = repr(vocabulary.decode(tokens))
    allowed = _allowed(matcher)
    mask = matcher.mask()
    if mask is not None:
        masked = unpack(mask, len(vocabulary)).nonzero()[0].tolist()
        require(masked == allowed, f"mask and single answers differ after {here}")
    _check_refusals(matcher, vocabulary, allowed, here)
    _check_end(constraint, matcher, vocabulary, tokens)
    _check_forced(matcher, here)
    if matcher.strength is Strength.EXACT:
        require(bool(allowed), f"an EXACT matcher has no choice after {here}")
    return allowed


def _check_refusals(
    matcher: Matcher, vocabulary: Vocabulary, allowed: list[int], here: str
) -> None:
    refused = sorted(set(range(len(vocabulary))).difference(allowed))
    for token in [*refused[:3], *refused[-3:], -1, len(vocabulary)]:
        require(not matcher.allows(token), f"token {token} is allowed and not, after {here}")
        require(bool(matcher.explain(token)), f"no reason to refuse token {token} after {here}")
        try:
            matcher.advance(token)
        except RefusedTokenError:
            continue
        raise BrokenLawError(f"refused token {token} could be appended after {here}")
    require(_allowed(matcher) == allowed, f"a refused token changed the state after {here}")


def _check_end(
    constraint: Constraint, matcher: Matcher, vocabulary: Vocabulary, tokens: list[int]
) -> None:
    try:
        text = vocabulary.spell(tokens).decode()
    except UnicodeDecodeError:
        accepted = False
    else:
        accepted = constraint.accepts(text)
    says = matcher.allows(vocabulary.end)
    if matcher.strength is Strength.FINAL:
        return
    require(
        says == accepted,
        f"matcher and oracle differ on whether {vocabulary.decode(tokens)!r} may end: "
        f"{says} and {accepted}",
    )


def require_boundary(found: object, who: object) -> Boundary | None:
    """What ``who.boundary`` has returned, which must be `None` or a boundary."""
    try:
        return checked_boundary(found, who)
    except ArgumentError as error:
        raise BrokenLawError(str(error)) from None


def _check_boundaries(
    matcher: Matcher, tokens: list[int], boundaries: list[Boundary | None]
) -> None:
    """Check the boundaries after each token against those of a new matcher."""
    progress: tuple[int, ...] = ()
    for boundary in boundaries:
        require_boundary(boundary, matcher)
    for place, boundary in enumerate(boundaries):
        if place:
            matcher.advance(tokens[place - 1])
        here = repr(matcher.vocabulary.decode(tokens[:place]))
        for name, other in (("a new matcher", matcher), ("a copy", matcher.copy())):
            found = other.boundary()
            require(
                found == boundary,
                f"the boundary depends on more than the tokens: after {here} it is {boundary}, "
                f"and of {name} {found}",
            )
        if boundary is None:
            require(boundaries[0] is None, f"there is no boundary after {here}, and was before")
            continue
        require(boundaries[0] is not None, f"there is a boundary after {here}, and none before")
        require(
            boundary.progress >= progress,
            f"the progress decreases after {here}, from {progress} to {boundary.progress}",
        )
        progress = boundary.progress


def _check_forced(matcher: Matcher, here: str) -> None:
    walker = matcher.copy()
    for token in matcher.forced():
        require(_allowed(walker) == [token], f"token {token} is not forced after {here}")
        walker.advance(token)
