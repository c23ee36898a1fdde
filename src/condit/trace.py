"""What happened in a run, step by step: one record that means the same for every sampler.

A step is a row of *draws*, one for each text that grew by a token, and a row of *ends*, one for
each text that came to its end. A text is named by the lane it grows in, by the number of the
attempt, or by both: a sampler that tries more texts than it gives back numbers them as they begin.
`SCHEMA` says what `StepInfo.to_dict` gives; `VERSION` changes with it.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal, NamedTuple

VERSION: Final = 1
"""Of the records, raised whenever a field changes its name or meaning."""

FinishReason = Literal["stop", "length", "dead_end", "rejected"]
"""Why a text ended: it was finished and is valid; it met the budget unfinished; nothing allowed
had any mass (or the oracle refused the finished text); it was refused as a whole, by the sampler
or because a token that was drawn without looking is not allowed."""


class Drawn(NamedTuple):
    """One token of one text.

    Attributes:
        lane: which lane the text grows in; ``None`` where that is not settled before its end.
        attempt: the number of the attempt, counted from 0 as they begin; ``None`` where every text
            has a lane of its own. Of a beam search, the text's rank in the beam.
        token: the token that was drawn, and appended unless ``log_allowed`` is ``-inf``: then it
            is not allowed. ``None``: nothing allowed had any mass.
        log_probability: natural logarithm of ``p(token | text so far)``, the base law.
        log_allowed: natural logarithm of the mass that the constraint allows as next token, or of
            an unbiased estimate of it; 0 where all is allowed, or nobody asked.
        log_weight: natural logarithm of the text's weight after it, since the last resampling; of
            a beam search, of its mass ``p φ``.
        given: whether the caller put the token in, so that nobody drew it.
    """

    lane: int | None
    attempt: int | None
    token: int | None
    log_probability: float
    log_allowed: float
    log_weight: float
    given: bool = False


class Ended(NamedTuple):
    """The end of one text.

    Attributes:
        lane: as in `Drawn`.
        attempt: as in `Drawn`.
        tokens: as far as it got, without the end token.
        reason: why it ended.
        accepted: whether it may be used: it has weight, and was not refused as a whole.
        log_weight: natural logarithm of its weight since the last resampling; ``-inf`` for none.
        log_bound: natural logarithm of a bound on ``Z`` when it began, of samplers that keep one:
            it was accepted with probability ``Z / bound``. Else 0.
    """

    lane: int | None
    attempt: int | None
    tokens: tuple[int, ...]
    reason: FinishReason
    accepted: bool
    log_weight: float = 0.0
    log_bound: float = 0.0


class StepInfo(NamedTuple):
    """The record of one step.

    Attributes:
        step: counted from 0.
        draws: the tokens drawn, in the order of their texts.
        ends: the texts that ended.
        effective_sample_size: of the weights after this step, before any resampling (Kish 1965);
            0 as long as nothing has weight.
        ancestors: where lanes were resampled, which lane each lane was copied from. Of a beam
            search, which text of the beam before each drawn token continues.
        checks: how many single tokens the matchers were asked about.
        masks: how many whole masks they were asked for.
        note: what was decided in this step, in words, where something was.
    """

    step: int
    draws: tuple[Drawn, ...] = ()
    ends: tuple[Ended, ...] = ()
    effective_sample_size: float = 0.0
    ancestors: tuple[int, ...] | None = None
    checks: int = 0
    masks: int = 0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, as `SCHEMA` describes it: ``-inf`` becomes ``None``."""
        return {
            "version": VERSION,
            **self._asdict(),
            "draws": [_plain(each) for each in self.draws],
            "ends": [_plain(each) for each in self.ends],
            "ancestors": None if self.ancestors is None else list(self.ancestors),
        }


def _plain(record: Drawn | Ended) -> dict[str, Any]:
    plain = record._asdict()
    for name, value in plain.items():
        if isinstance(value, float) and not math.isfinite(value):
            plain[name] = None
        elif isinstance(value, tuple):
            plain[name] = list(value)
    return plain


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_COUNT: Final = {"type": "integer", "minimum": 0}
_PERHAPS: Final = {"type": ["integer", "null"], "minimum": 0}
_LOGARITHM: Final = {"type": ["number", "null"], "description": "natural; null for minus infinity"}
_TOKENS: Final = {"type": "array", "items": _COUNT}

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "One step of a run of Condit",
    **_object(
        version={"const": VERSION},
        step=_COUNT,
        draws={
            "type": "array",
            "items": _object(
                lane=_PERHAPS,
                attempt=_PERHAPS,
                token=_PERHAPS,
                log_probability=_LOGARITHM,
                log_allowed=_LOGARITHM,
                log_weight=_LOGARITHM,
                given={"type": "boolean"},
            ),
        },
        ends={
            "type": "array",
            "items": _object(
                lane=_PERHAPS,
                attempt=_PERHAPS,
                tokens=_TOKENS,
                reason={"enum": ["stop", "length", "dead_end", "rejected"]},
                accepted={"type": "boolean"},
                log_weight=_LOGARITHM,
                log_bound=_LOGARITHM,
            ),
        },
        effective_sample_size={"type": "number", "minimum": 0},
        ancestors={"type": ["array", "null"], "items": _COUNT},
        checks=_COUNT,
        masks=_COUNT,
        note={"type": "string"},
    ),
}
"""A JSON Schema of one record."""
