"""Tests of the protocols, to run on any implementation: matchers, decoders, readers, samplers.

A *law* here is a property that every implementation must have (not a distribution). Each
``check_...`` raises `BrokenLawError` that says what was wrong and where. ``World`` is a model and a
constraint small enough to enumerate, so that the exact posterior is known; ``FiniteWorld`` records
a real model along every text of a finite language, for the same purpose.
"""

from condit.testing.byte_matchers import check_byte_matcher
from condit.testing.decoders import check_decoder
from condit.testing.distances import kullback_leibler, total_variation
from condit.testing.finite import FiniteWorld
from condit.testing.laws import BrokenLawError
from condit.testing.matchers import check_every_spelling, check_matcher
from condit.testing.readers import check_reader
from condit.testing.recorded import RecordedModel
from condit.testing.samplers import check_sampler
from condit.testing.worlds import KnownWorld, World

__all__ = [
    "BrokenLawError",
    "FiniteWorld",
    "KnownWorld",
    "RecordedModel",
    "World",
    "check_byte_matcher",
    "check_decoder",
    "check_every_spelling",
    "check_matcher",
    "check_reader",
    "check_sampler",
    "kullback_leibler",
    "total_variation",
]
