"""The trace of a run: one record for each step, with the same meaning for every sampler.

A record lists *draws*, one for each text that grew by a token, and *ends*, one for each text that
ended. A text is identified by its lane, by the number of its attempt, or by both: samplers that try
more texts than they return number them as they begin. `SCHEMA` is a JSON Schema of
`StepInfo.to_dict`, and `VERSION` its version.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal, NamedTuple

VERSION: Final = 1
"""Version of the records; raised when a field changes its name or meaning."""

FinishReason = Literal["stop", "length", "dead_end", "rejected"]
"""Why a text ended: finished and valid; unfinished at ``max_tokens``; no allowed token had any
probability, or the finished text is not valid; rejected by the sampler, or because a token that was
drawn without the constraint is refused."""


class Drawn(NamedTuple):
    """One token of one text.

    Attributes:
        lane: index of the text's lane; ``None`` if it gets one only when accepted.
        attempt: the number of the attempt, counted from 0 as they begin; ``None`` where every text
            has a lane of its own. Of a beam search, the text's rank in the beam.
        token: the token that was drawn, and appended unless ``log_allowed`` is ``-inf``: then it
            is not allowed. ``None``: nothing allowed had any mass.
        log_probability: natural logarithm of ``p(token | text so far)``, the base law.
        log_allowed: natural logarithm of the mass that the constraint allows as next token, or of
            an unbiased estimate of it; 0 if everything is allowed, or the token was not checked.
        log_weight: natural logarithm of the text's weight after it, before any resampling in
            the same step; of a beam search, of its mass ``p φ``.
        given: whether the caller inserted the token, so that it was not drawn.
        prompt_bytes: how many of its bytes, from the first on, write the end of the prompt again
            (``heal``); the text begins with the rest.
    """

    lane: int | None
    attempt: int | None
    token: int | None
    log_probability: float
    log_allowed: float
    log_weight: float
    given: bool = False
    prompt_bytes: int = 0


class Ended(NamedTuple):
    """The end of one text.

    Attributes:
        lane: as in `Drawn`.
        attempt: as in `Drawn`.
        tokens: as far as it got, without the end token.
        reason: why it ended.
        accepted: whether it has weight, and was not rejected by the sampler.
        log_weight: natural logarithm of its weight; ``-inf`` for none.
        log_bound: natural logarithm of the upper bound on ``Z`` when it began, for samplers that
            accept with probability ``Z / bound``; else 0.
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
            0 if all weights are 0.
        ancestors: where lanes were resampled, which lane each lane was copied from: itself, if it
            was not compared with others. Of a beam search, which text of the beam before each
            drawn token continues.
        checks: how many single tokens the matchers were asked about.
        masks: how many whole masks they were asked for.
        note: a decision made in this step, in words; mostly empty.
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
                prompt_bytes=_COUNT,
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
