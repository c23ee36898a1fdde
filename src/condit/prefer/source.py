"""Preferences by name, as registered in the entry-point group ``condit.preferences``.

For the command line and for settings read from JSON. Python code calls ``condit.prefer`` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from condit.plugins import call, find_source, not_usable
from condit.prefer.base import Preference


@dataclass(frozen=True)
class PreferenceSource:
    """A registered kind of preference.

    Attributes:
        name: what users write.
        description: one line for ``condit preferences``, which says what the value is.
        make: makes the preference from one value, a text on the command line, and keyword options.
            Both are JSON values, maybe from an untrusted source. Raises ``ArgumentError`` for bad
            ones.
    """

    name: str
    description: str
    make: Callable[..., Preference]


def make_preference(name: str, value: object, /, **options: Any) -> Preference:
    """A preference by the name of its kind, built in or registered by a package.

    Args:
        name: ``"likelihood"`` or another; see ``condit preferences``.
        value: depends on the kind: for ``"likelihood"`` the prompt.
        **options: passed to that kind, as ``model="ngram"`` and ``strength=2.0``.

    Raises:
        UnknownNameError: no such name; the message suggests the nearest.
        IncompatibleDependencyError: the package that registers it cannot be used.
        ArgumentError: it takes no such option, or no such value.
    """
    source = find_source("preferences", name, PreferenceSource)
    made = call(f"preference {name!r}", source.make, (value,), options)
    if not isinstance(made, Preference):
        raise not_usable("preferences", name, f"it made a {type(made).__name__}, not a Preference")
    return made
