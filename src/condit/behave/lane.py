"""A run as far as it has come, what it may use, and what makes its agent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from condit.behave.form import Form
from condit.behave.game import Cost, Game
from condit.behave.policy import Policy
from condit.behave.record import Event
from condit.behave.tools import Tool
from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.temporal.specification import Ltlf

EVENTS, TOKENS, CONTEXT, SECONDS = range(4)
"""The resources, in their order; calls that a policy counts come after them."""


def timeless(amounts: Cost) -> Cost:
    """The amounts with time without end."""
    return (*amounts[:SECONDS], math.inf, *amounts[SECONDS + 1 :])


@dataclass(frozen=True)
class Limits:
    """What a run may use.

    Attributes:
        events: how many events.
        tokens: how many drawn tokens.
        event_tokens: how many in one event.
        seconds: how much time.
    """

    events: int
    tokens: int
    event_tokens: int
    seconds: float

    @classmethod
    def of(cls, events: int, tokens: int, event_tokens: int, seconds: float | None) -> Limits:
        """Limits, checked.

        Raises:
            ArgumentError: one is not above 0.
        """
        named = {"max_events": events, "max_tokens": tokens, "max_event_tokens": event_tokens}
        for name, each in named.items():
            if not isinstance(each, int) or isinstance(each, bool) or each < 1:
                raise ArgumentError(f"{name}={each!r}: give a whole number of at least 1")
        if seconds is not None and not seconds > 0:
            raise ArgumentError(f"max_seconds={seconds!r}: give a number above 0, or None")
        return cls(events, tokens, event_tokens, math.inf if seconds is None else seconds)


@dataclass(frozen=True)
class Design:
    """What makes an agent: see ``condit.Agent``."""

    specification: Ltlf
    game: Game
    form: Form
    contents: Mapping[str, Constraint]
    texts: Mapping[str, Constraint]
    tools: Mapping[str, Tool]
    policy: Policy


@dataclass(frozen=True)
class Lane:
    """A run as far as it has come; lanes are never changed, so that copies share what they have."""

    state: int
    left: Cost
    tokens: tuple[int, ...]
    events: tuple[Event, ...] = ()
    log_probability: float = 0.0
    log_weight: float = 0.0
    log_preference: float = 0.0
    lineage: int = 0
    reason: str = ""

    @property
    def text(self) -> str:
        """The transcript so far."""
        return "".join(event.written for event in self.events)
