"""What the two constraints have in common: a machine of places, and a form as JSON strings."""

from __future__ import annotations

from condit.constraint.base import Constraint
from condit.constraint.json_string import JsonString
from condit.corpus.machine import PlacesMachine


class Quoted(Constraint):
    """A constraint that a machine of places follows.

    Attributes:
        machine: the machine.
    """

    machine: PlacesMachine

    def json_string(self) -> JsonString:
        """The same as JSON strings, to stand in a field of a ``condit.template`` of JSON."""
        return JsonString(self)
