"""The records of a trace: one for each step of a run, with the same meaning for every sampler.

A record lists *draws*, one for each text that grew by a token, and *ends*, one for each text that
ended. A text is identified by its lane, by the number of its attempt, or by both: samplers that try
more texts than they return number them as they begin. How records are written to a file is in
``lines.py``.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

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
        forced: whether the constraint allowed no other bytes, by those samplers that ask.
        guessed: whether its distribution was computed before its turn, by the forward of a draft
            whose guesses were right.
        kept: where the token does not follow the text's last one: so many tokens of the text stay,
            it comes after them, and the rest is gone. Of a Markov chain that is the text that the
            chain is at. ``None``: it follows the last one.
    """

    lane: int | None
    attempt: int | None
    token: int | None
    log_probability: float
    log_allowed: float
    log_weight: float
    given: bool = False
    prompt_bytes: int = 0
    forced: bool = False
    guessed: bool = False
    kept: int | None = None

    @property
    def appended(self) -> bool:
        """Whether the text has the token: there was one, and it was not refused."""
        return self.token is not None and self.log_allowed != -math.inf


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


class Reached(NamedTuple):
    """A boundary that a lane has reached, where it waits to be compared with others.

    Attributes:
        lane: its index.
        progress: how far its text is; compared as tuples are.
        what: what begins there, by the constraint: texts are comparable at the same one.
    """

    lane: int
    progress: tuple[int, ...]
    what: str


class Begun(NamedTuple):
    """An event of an agent's run, which begins with the lane's token of the step.

    Attributes:
        lane: its index.
        number: how many events of the run come before it.
        name: what happened: the name of an event, of a tool, or of a tool's outcome.
        text: what was said in it, without opening and closing.
        given: whether the agent did not draw it: it is the outcome of a tool.
        seconds: how long it took to draw it, or the tool to answer.
    """

    lane: int
    number: int
    name: str
    text: str
    given: bool
    seconds: float


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
        boundaries: which lanes have reached a boundary; none where every token is one.
        redraws: the tokens that moves (``SMC(rejuvenate=True)``) have put into lanes after they
            were resampled, in place of others: see ``Drawn.kept``.
        seconds: wall-clock time since the run began.
        log_evidence: natural logarithm of the estimate of ``Z`` from the weights as they are after
            this step; ``None`` where they do not tell it (yet).
        events: the events of an agent that begin here.
    """

    step: int
    draws: tuple[Drawn, ...] = ()
    ends: tuple[Ended, ...] = ()
    effective_sample_size: float = 0.0
    ancestors: tuple[int, ...] | None = None
    checks: int = 0
    masks: int = 0
    note: str = ""
    boundaries: tuple[Reached, ...] = ()
    redraws: tuple[Drawn, ...] = ()
    seconds: float = 0.0
    log_evidence: float | None = None
    events: tuple[Begun, ...] = ()
