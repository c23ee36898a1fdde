"""How messages name a function and quote a text."""

from __future__ import annotations

import functools

_MOST = 80


def name_of(function: object) -> str:
    """The name of a function (that inside a ``partial``, too), or of the class of an object."""
    if isinstance(function, functools.partial):
        return name_of(function.func)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name).rpartition("<locals>.")[2]


def excerpt(text: str) -> str:
    """The text in quotes, its middle left out where it is long.

    >>> excerpt("oak")
    "'oak'"
    """
    if len(text) <= _MOST:
        return repr(text)
    half = _MOST // 2
    return f"{text[:half]!r} … {text[-half:]!r}"
