"""The laws of byte matchers, and of the matchers over tokens that `LiftedMatcher` makes of them."""

from __future__ import annotations

import numpy as np

from condit.constraint.base import Strength, unpack
from condit.constraint.byte_matcher import ByteMatcher, State
from condit.constraint.lifted import LiftedMatcher
from condit.testing.laws import require
from condit.testing.matchers import require_boundary
from condit.vocabulary import Vocabulary


def check_byte_matcher(
    machine: ByteMatcher[State],
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    *,
    walks: int = 20,
    steps: int = 40,
) -> None:
    """Walk at random through tokens that may come, and check every law at every state.

    - Answers depend on the state alone.
    - ``options``, if given, are exactly the bytes that may come, and all in the alphabet.
    - After ``ending``, if given, the text may stop.
    - Equal states have the same futures, and ``near`` ones the same next bytes, as far as tried.
    - The boundary is known everywhere or nowhere, and its progress never decreases.
    - From each state of an EXACT machine the text may stop or some byte may come. A walk does not
      end among a few states where the text may never stop.
    - Over tokens, ``mask`` and ``allows`` agree with the bytes of each token; the end token is
      allowed exactly where the text may stop; copies are independent.

    Args:
        machine: the byte matcher.
        vocabulary: the tokens; all of them are asked about at every state, so keep it small.
        rng: random numbers for the walks.
        walks: random walks from the empty text.
        steps: tokens in one walk at most.

    Raises:
        BrokenLawError: which law, and after which text.
    """
    reached: dict[State, bytes] = {}
    for _ in range(walks):
        text, state = b"", machine.start
        for _ in range(steps):
            _check_state(machine, state, text)
            _check_equal(machine, reached.setdefault(state, text), text, rng)
            _check_near(machine, state, text, rng)
            for token in rng.permutation(len(vocabulary)).tolist():
                spelled = vocabulary.bytes[token]
                if spelled and (after := _after(machine, state, spelled)) is not None:
                    text = text + spelled
                    _check_boundaries(machine, state, after, text)
                    state = after
                    break
            else:
                break
        if machine.strength is Strength.EXACT:
            require(
                not _never_stops(machine, state),
                f"an EXACT machine lets no text stop, whatever follows {text!r}",
            )
    for _ in range(walks):
        _walk_tokens(machine, vocabulary, rng, steps)


def _walk_tokens(
    machine: ByteMatcher[State], vocabulary: Vocabulary, rng: np.random.Generator, steps: int
) -> None:
    matcher: LiftedMatcher[State] = LiftedMatcher(machine, vocabulary)
    require(matcher.state == machine.start, "a new matcher does not stand at the start")
    text = b""
    for _ in range(steps):
        state, allowed = matcher.state, _check_tokens(machine, matcher, text)
        further = [token for token in allowed if token != vocabulary.end]
        if not further:
            break
        token, other = rng.choice(further, size=2).tolist()
        sibling = matcher.copy()
        matcher.advance(token)
        require(
            sibling.state == state and _allowed(sibling) == allowed,
            f"appending to a matcher changed its copy, after {text!r}",
        )
        sibling.advance(other)
        text += vocabulary.bytes[token]
        require(
            matcher.state == _after(machine, machine.start, text),
            f"the tokens of {text!r} and its bytes lead to different states",
        )
    if matcher.allows(vocabulary.end):
        matcher.advance(vocabulary.end)
        require(not _allowed(matcher), f"something is allowed after the end of {text!r}")


def _check_state(machine: ByteMatcher[State], state: State, text: bytes) -> None:
    futures = [machine.next(state, byte) for byte in range(256)]
    here = f"after {text!r}"
    again = [machine.next(state, byte) for byte in range(256)]
    require(futures == again, f"asked again, a byte leads to another state {here}")
    bytes_on = {byte for byte, after in enumerate(futures) if after is not None}
    options = machine.options(state)
    require(
        options is None or set(options) == bytes_on,
        f"the options are not the bytes that may come {here}: {options} and {sorted(bytes_on)}",
    )
    strange = bytes_on - set(machine.alphabet)
    require(not strange, f"bytes that are not of the alphabet may come {here}: {sorted(strange)}")
    stops = machine.may_stop(state)
    require(stops == machine.may_stop(state), f"asked again, the text may end or not {here}")
    if machine.strength is Strength.EXACT:
        require(stops or bool(bytes_on), f"an EXACT machine has no way on {here}")
    ending = machine.ending(state)
    if ending is not None:
        last = _after(machine, state, ending)
        require(
            last is not None and machine.may_stop(last),
            f"the text may not stop {here} and the ending {ending!r}",
        )


def _check_boundaries(
    machine: ByteMatcher[State], before: State, after: State, text: bytes
) -> None:
    """The boundaries of two states, of which one follows the other, fit together."""
    old, new = (require_boundary(machine.boundary(state), machine) for state in (before, after))
    if old is None or new is None:
        require(old is new, f"the boundary is known in some states only: see {text!r}")
        return
    require(
        new.progress >= old.progress,
        f"the progress decreases after {text!r}, from {old.progress} to {new.progress}",
    )


def _never_stops(machine: ByteMatcher[State], state: State) -> bool:
    """Whether all states ahead are known, as they are at most 64, and the text may stop in none."""
    known, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        if machine.may_stop(here) or len(known) > 64:
            return False
        ways = (machine.next(here, byte) for byte in machine.possible(here))
        new = {after for after in ways if after is not None} - known
        known |= new
        waiting += new
    return True


def _check_equal(
    machine: ByteMatcher[State], one: bytes, other: bytes, rng: np.random.Generator
) -> None:
    """Two texts that lead to equal states allow the same bytes along a random continuation."""
    here, there = _after(machine, machine.start, one), _after(machine, machine.start, other)
    further = b""
    for _ in range(8):
        if here is None or there is None:
            break
        where = f"{one!r} and {other!r} lead to equal states, but after {further!r}"
        require(here == there, f"{where} the states differ")
        require(hash(here) == hash(there), f"{where} their hashes differ")
        require(machine.may_stop(here) == machine.may_stop(there), f"{where} one text may end")
        ways = _ways(machine, here)
        require(ways == _ways(machine, there), f"{where} different bytes may come")
        if not ways:
            break
        byte = int(rng.choice(ways))
        here, there = machine.next(here, byte), machine.next(there, byte)
        further += bytes([byte])


def _check_near(
    machine: ByteMatcher[State], state: State, text: bytes, rng: np.random.Generator
) -> None:
    """A state and its ``near`` one allow the same bytes along a random continuation."""
    for length in (1, 2, 5):
        here: State | None = state
        there: State | None = machine.near(state, length)
        for step in range(length):
            if here is None or there is None:
                break
            ways = _ways(machine, here)
            require(
                ways == _ways(machine, there),
                f"{step} bytes after {text!r} others may come than near it, of {length} bytes",
            )
            if not ways:
                break
            byte = int(rng.choice(ways))
            here, there = machine.next(here, byte), machine.next(there, byte)


def _ways(machine: ByteMatcher[State], state: State) -> list[int]:
    return [byte for byte in range(256) if machine.next(state, byte) is not None]


def _check_tokens(
    machine: ByteMatcher[State], matcher: LiftedMatcher[State], text: bytes
) -> list[int]:
    """Check that mask, ``allows`` and the bytes of tokens agree; returns the allowed tokens."""
    vocabulary, state = matcher.vocabulary, matcher.state
    by_hand = [
        bool(spelled) and _after(machine, state, spelled) is not None
        for spelled in vocabulary.bytes
    ]
    by_hand[vocabulary.end] = machine.may_stop(state)
    expected = np.flatnonzero(by_hand).tolist()
    # Twice: before the mask is cached and after.
    for _ in range(2):
        require(_allowed(matcher) == expected, f"single answers differ from bytes after {text!r}")
        mask = matcher.mask()
        if mask is not None:
            masked = np.flatnonzero(unpack(mask, len(vocabulary))).tolist()
            require(masked == expected, f"the mask differs from bytes after {text!r}")
    return expected


def _allowed(matcher: LiftedMatcher[State]) -> list[int]:
    return [token for token in range(len(matcher.vocabulary)) if matcher.allows(token)]


def _after(machine: ByteMatcher[State], state: State, text: bytes) -> State | None:
    here: State | None = state
    for byte in text:
        if here is not None:
            here = machine.next(here, byte)
    return here
