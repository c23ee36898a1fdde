"""Preferences by name: what the entry points ``condit.preferences`` name.

Python code that knows which preference it wants calls its functions (``condit.prefer``); the
command line and whoever reads JSON look it up here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from condit.plugins import call, find_source
from condit.prefer.base import Preference


@dataclass(frozen=True)
class PreferenceSource:
    """A registered kind of preference.

    Attributes:
        name: what users write.
        description: one line for ``condit preferences``, which says what the value is.
        make: makes the preference of one value, a text on the command line, and keyword options.
            They come as JSON has them, maybe from somebody who is not trusted. A bad one raises
            ``ArgumentError``.
    """

    name: str
    description: str
    make: Callable[..., Preference]


def make_preference(name: str, value: object, /, **options: Any) -> Preference:
    """A preference by the name of its kind: of those built in and of those that packages register.

    Args:
        name: ``"likelihood"`` or another; see ``condit preferences``.
        value: what it is made of: for ``"likelihood"`` the prompt.
        **options: passed to that kind, as ``model="ngram"`` and ``strength=2.0``.

    Raises:
        UnknownNameError: no such name; the message suggests the nearest.
        IncompatibleDependencyError: the package that registers it cannot be used.
        ArgumentError: it takes no such option, or no such value.
    """
    source = find_source("preferences", name, PreferenceSource)
    return call(f"preference {name!r}", source.make, (value,), options)
