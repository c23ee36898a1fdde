"""Where lanes of sequential Monte Carlo meet: at boundaries, and only with their like.

Compared after equally many tokens, a lane that runs on inside a string beats one that has closed
it, and whose weight has the quotation mark, the comma and the next key in it. So a lane that
reaches a boundary (see ``Matcher.boundary``) waits there until every lane has gone as far; those
that stand at the same boundary are then resampled among themselves.

Where a matcher knows no boundaries, they are where literal text of the constraint ends, which all
texts have to pass. They are at every token where a lane cannot run on for long, as no text has more
than 32 tokens, where a preference judges prefixes, and where there is no constraint.

How long a lane goes on depends on its own past, and on where the others were when it was let go.
So it stops at a stopping time, and the evidence stays unbiased: docs/samplers/smc.md has the proof.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from condit.constraint.boundary import Boundary
from condit.sampler.base import Lane, Problem

_SHORT = 32
"""In texts of at most so many tokens lanes are compared after each, if there is no structure."""

_LITERAL = 2
"""The fewest bytes that count as literal text."""

_LITERAL_END = 8
"""So many last bytes tell one literal from others."""


class Meeting:
    """Which lanes wait, and which of them are compared.

    Args:
        problem: what is drawn.
        lanes: its lanes.
        every_token: whether all lanes are compared after every token, whatever the constraint.

    Attributes:
        flat: whether every token is a boundary.
    """

    def __init__(self, problem: Problem, lanes: Sequence[Lane], *, every_token: bool) -> None:
        matcher = lanes[0].matcher
        self._structured = matcher is not None and matcher.boundary() is not None
        # Where a preference judges every prefix, weights have more to say than literals.
        judged = problem.preference is not None and problem.preference.partial
        unstructured = judged or problem.longest <= _SHORT
        self.flat = every_token or matcher is None or (unstructured and not self._structured)

    def arrive(self, lanes: Sequence[Lane]) -> bool:
        """Let those lanes wait that have reached a boundary; whether none grows any more."""
        for lane in lanes:
            if lane.grows:
                here = self._boundary(lane)
                if here != lane.boundary:
                    lane.boundary, lane.waits = here, True
        return not any(lane.grows for lane in lanes)

    def _boundary(self, lane: Lane) -> Boundary:
        if lane.matcher is None or self.flat:
            return Boundary((len(lane.tokens),))
        if self._structured:
            return lane.matcher.boundary() or lane.boundary
        ahead, behind = lane.matcher.forced_text(), lane.literal
        lane.literal = behind or ahead if ahead else b""
        if ahead or len(behind) < _LITERAL:
            return lane.boundary
        # Where in the literal a lane came in depends on its tokens, so its beginning may differ.
        kind = behind[-_LITERAL_END:].decode("latin-1")
        return Boundary((sum(lane.boundary.progress) + 1,), kind)

    def groups(self, lanes: Sequence[Lane]) -> list[list[int]]:
        """Indices of the lanes that go on now, those that are comparable together."""
        if self.flat:
            return [list(range(len(lanes)))]
        return self._together(lanes, [i for i, lane in enumerate(lanes) if not lane.finish_reason])

    def expected_groups(self, lanes: Sequence[Lane]) -> list[list[int]]:
        """What ``groups`` will probably be once lanes that still grow have come to a boundary.

        They are taken to come to the one where most of those stand that will go on first.
        """
        groups = self._together(lanes, [i for i, lane in enumerate(lanes) if lane.waits])
        if groups:
            largest = max(groups, key=len)
            largest += [index for index, lane in enumerate(lanes) if lane.grows]
            largest.sort()
        return groups

    def _together(self, lanes: Sequence[Lane], waiting: Sequence[int]) -> list[list[int]]:
        """Those that stand at the same boundary, among those with the least progress."""
        least = min((lanes[index].boundary.progress for index in waiting), default=())
        together: dict[Boundary, list[int]] = defaultdict(list)
        for index in waiting:
            if lanes[index].boundary.progress == least:
                together[lanes[index].boundary].append(index)
        return list(together.values())
