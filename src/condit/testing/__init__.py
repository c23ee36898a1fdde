"""The laws that every matcher, decoder, reader and sampler obeys, for anyone to run on their own.

Each ``check_...`` raises `BrokenLawError` with what was wrong and where. ``World`` holds a model
and a constraint small enough that the exact posterior is known; ``FiniteWorld`` records a real
model along every text of a finite language, and knows the same.
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
