"""What Condit relies on in ``regex``: partial matches, a time limit, sets, and its errors."""

from __future__ import annotations

from typing import Any

from condit.foreign.versions import importing, incompatible, require

with importing("regex"):
    import regex  # type: ignore[import-untyped]


def said(error: Exception) -> str:
    """The message of an error of the library, without the position where it has one."""
    if isinstance(error, KeyError) and "V0" in str(error):
        # All that versions before November 2026 say.
        return "the flags V0 and V1 exclude each other"
    return str(getattr(error, "msg", "") or error)


def probe(found: Any = regex) -> None:
    """Check that the library matches as the oracle of regular expressions needs it.

    Raises:
        IncompatibleDependencyError: it does not.
    """
    require("regex", found, ("VERSION1", "compile", "error"))
    try:
        pattern = found.compile(r"(?-f)[\w--[a]]b", found.VERSION1)
        begun = pattern.fullmatch("x", partial=True, timeout=10.0)
        ended = pattern.fullmatch("xb", timeout=10.0)
        refused = pattern.fullmatch("a", partial=True, timeout=10.0)
    except (TypeError, found.error) as error:
        raise incompatible("regex", f"a partial match of a set does not work ({error})") from error
    if not begun or not ended or refused:
        raise incompatible("regex", "a partial match of a set is not what it was")


probe()
