"""Sets of JSON strings as terminals of the mask engine, and how they combine.

An invariant makes complements safe: whatever set of strings a language stands for, the plain
spelling of each (``json.dumps(..., ensure_ascii=False)``) is in its expression.
"""

from __future__ import annotations

from dataclasses import dataclass

from condit.constraint.schema.characters import FREE, NORMAL, PLAIN

_NOTHING = "/[a&&b]/"
_FREE = f'/"{FREE}*"/'
_NORMAL = f'/"{NORMAL}*"/'
_PLAIN = f'/"{PLAIN}*"/'


@dataclass(frozen=True)
class Language:
    """JSON strings, quotes included.

    Attributes:
        expression: the right side of a Lark terminal's definition, self-contained, that can be
            used as one operand of any operator.
        exact: whether just the strings that are meant can be written. ``False``: others can, too,
            so that a value must be checked when it closes.
        relaxed: the keywords that the expression does not say, or not wholly.
        complete: whether all normal spellings of each of its strings are in it; the plain one
            always is.
        free: whether spellings are in it that are not normal.
    """

    expression: str
    exact: bool = True
    relaxed: tuple[str, ...] = ()
    complete: bool = True
    free: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether it is seen at once that no string can be written."""
        return self.expression == _NOTHING


def any_string() -> Language:
    """All JSON strings, in any spelling without half surrogate pairs."""
    return Language(_FREE, free=True)


def no_string() -> Language:
    """The empty set."""
    return Language(_NOTHING)


def both(*languages: Language) -> Language:
    """The strings that are in all ``languages``."""
    if any(language.is_nothing for language in languages):
        return no_string()
    exact = all(language.exact for language in languages)
    relaxed = _merged(languages)
    parts = list(dict.fromkeys(language for language in languages if language.expression != _FREE))
    expressions = list(dict.fromkeys(part.expression for part in parts))
    if not expressions:
        return Language(_FREE, exact, relaxed, free=True)
    text = expressions[0] if len(expressions) == 1 else f"({' & '.join(expressions)})"
    complete = all(part.complete for part in parts)
    return Language(text, exact, relaxed, complete, all(part.free for part in parts))


def either(*languages: Language) -> Language:
    """The strings that are in one of ``languages``, or in several."""
    for language in languages:
        if language.exact and language.expression == _FREE:
            return language
    parts = [language for language in languages if not language.is_nothing]
    if not parts:
        return no_string()
    expressions = list(dict.fromkeys(part.expression for part in parts))
    text = expressions[0] if len(expressions) == 1 else f"({' | '.join(expressions)})"
    return Language(
        text,
        all(part.exact for part in parts),
        _merged(parts),
        all(part.complete for part in parts),
        any(part.free for part in parts),
    )


def without(language: Language, removed: Language) -> Language:
    """The strings that are in ``language`` and not in ``removed``.

    Where ``removed`` is not exact nothing is removed: it would be too much.
    """
    if removed.is_nothing or language.is_nothing:
        return language
    if not removed.exact:
        relaxed = tuple(dict.fromkeys((*language.relaxed, *removed.relaxed)))
        return Language(language.expression, False, relaxed, language.complete, language.free)
    # All spellings of what is removed must go. Where they are not all known, what is left is
    # spelled plainly.
    spelled = _NORMAL if removed.complete else _PLAIN
    parts = [] if language.expression == _FREE else [language.expression]
    if not parts or language.free or not removed.complete:
        parts.append(spelled)
    return Language(
        f"({' & '.join((*parts, '~' + removed.expression))})",
        language.exact,
        language.relaxed,
        language.complete and removed.complete,
    )


def _merged(languages: tuple[Language, ...] | list[Language]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for language in languages for name in language.relaxed))
