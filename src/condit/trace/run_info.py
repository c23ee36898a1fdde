"""What a run was asked: the head of its trace file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from condit.errors import ConditError


@dataclass(frozen=True)
class RunInfo:
    """What a run was asked.

    Attributes:
        model: the model's name.
        prompt: the prompt as text.
        prompt_tokens: its tokens that the model saw before the first draw.
        sampler: the sampler that was asked for, with its settings.
        n: how many lanes.
        max_tokens: the most tokens that a text may have, without those of ``healed``.
        seed: what gives the same draws again.
        temperature: of the base law.
        top_k: of the base law.
        top_p: of the base law.
        logit_bias: pairs of a token and what was added to its logit.
        stop: texts that end a text.
        healed: the end of the prompt that was taken back, and is written again by the first draws.
        healed_tokens: how many tokens were taken back for it.
        inserts: whether the caller puts text in between draws.
        constraint: the constraint; ``None`` without one. In a copy that went to another process
            it is in words.
        preference: the preference; likewise.
        spelled: the bytes of each token.
        end: the end token.
        started: when the run began.
    """

    model: str
    prompt: str
    prompt_tokens: tuple[int, ...]
    sampler: str
    n: int
    max_tokens: int
    seed: int
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    stop: tuple[str, ...] = ()
    healed: str = ""
    healed_tokens: int = 0
    inserts: bool = False
    constraint: Any = field(default=None, repr=False)
    preference: Any = field(default=None, repr=False)
    spelled: Sequence[bytes] | Mapping[int, bytes] = field(default=(), repr=False)
    end: int = -1
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def constraint_in_words(self) -> str | None:
        """What its texts look like; ``None`` without a constraint."""
        return _in_words(self.constraint)

    @property
    def preference_in_words(self) -> str | None:
        """What is better; ``None`` without a preference."""
        return None if self.preference is None else str(self.preference)

    def spell(self, token: int) -> bytes:
        """The bytes of a token; none where it is not known."""
        try:
            return self.spelled[token] if token >= 0 else b""
        except LookupError:
            return b""

    def portable(self, tokens: Collection[int]) -> RunInfo:
        """A small copy of plain values, which spells these tokens only: it can be pickled."""
        return replace(
            self,
            constraint=self.constraint_in_words,
            preference=self.preference_in_words,
            spelled={token: self.spell(token) for token in tokens},
        )


def _in_words(constraint: Any) -> str | None:
    if constraint is None or isinstance(constraint, str):
        return constraint
    try:
        return str(constraint.describe())
    except ConditError:  # no short example is known
        return repr(constraint)[:2000]
