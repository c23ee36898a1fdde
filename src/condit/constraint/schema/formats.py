"""Regular expressions of the formats that the oracle asserts.

They follow the grammars of the standards, as the oracle reads them. Internationalised names
(``xn--``) are checked by decoding them, which no regular expression can do: there the set is larger
than the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from condit.constraint.regular.ecma import read
from condit.constraint.regular.expression import (
    ANY,
    ANYTHING,
    Node,
    Written,
    alternation,
    complement,
    concatenation,
    intersection,
    repetition,
)
from condit.constraint.schema.dialect import Draft, is_checked_format
from condit.constraint.schema.texts import Texts

_RELAXED = ("format",)
DATE = (
    r"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_HOUR = "(?:[01][0-9]|2[0-3])"
_MINUTE = "[0-5][0-9]"
_FRACTION = r"(?:\.[0-9]+)?"
_DURATION_DATE = r"(?:[0-9]+D|[0-9]+M(?:[0-9]+D)?|[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?)"
_DURATION_TIME = r"T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"{BYTE}(?:\.{BYTE}){{3}}"
_POINTER = "(?:/(?:[^~/]|~[01])*)*"
_LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
_LABELS = rf"{_LABEL}(?:\.{_LABEL})*"
_ATOM_CHARACTERS = r"0-9A-Za-z!#$%&'*+\/=?^_`{|}~\-"
_ATOM = f"[{_ATOM_CHARACTERS}]+"
# In the spelling, with the escapes of the quotation marks.
_QUOTED = r'\\"(?:[ !#-\[\]-~]|\\[t"\\]){0,62}\\"'


def format_texts(name: str, draft: int | None) -> Texts | None:
    """The texts of a format, or ``None`` where nothing is asserted.

    Args:
        name: of the format.
        draft: as ``CanonicalSchema.draft`` has it. ``None``: not known.
    """
    if draft is None:
        found = [format_texts(name, each) for each in Draft]
        if all(each == found[0] for each in found):
            return found[0]
        return Texts(ANYTHING, _RELAXED)
    return _texts(name, draft)


@lru_cache(maxsize=512)
def _texts(name: str, draft: int) -> Texts | None:
    if draft not in set(Draft):
        return Texts(ANYTHING, _RELAXED)
    if not is_checked_format(name, Draft(draft)):
        return None
    if name == "hostname":
        return _hostname(kept_hyphens=draft > 6)
    if name == "idn-email":
        return Texts(_idn_email(), _RELAXED)
    if name in _WRITTEN:
        return Texts(_WRITTEN[name](), _RELAXED if name in _INEXACT else ())
    if name in _PATTERNS:
        return Texts(read(_PATTERNS[name]()), _RELAXED if name in _INEXACT else ())
    return Texts(ANYTHING, _RELAXED)


def _hostname(*, kept_hyphens: bool) -> Texts:
    names = Written(_LABELS)
    if not kept_hyphens:
        return Texts(intersection(names, Written("[0-9A-Za-z.-]{1,253}")))
    # Two hyphens in third and fourth place are kept for names that are to be decoded. The length
    # of the whole is left out: with it the engine would look too long for what can be finished.
    strange = Written(r"(?:.*\.)?(?:[^xX.][^.]|[xX][^nN.])--.*")
    return Texts(intersection(names, complement(strange)), _RELAXED)


def _time() -> Node:
    clock = rf"{_HOUR}:{_MINUTE}"
    plain = rf"{clock}:{_MINUTE}{_FRACTION}(?:[zZ]|[+-]{clock})|23:59:60{_FRACTION}[zZ]"
    return alternation(Written(plain), _leap_second("+"), _leap_second("-"))


def _leap_second(sign: str) -> Node:
    """Second 60, which there is only at 23:59 of universal time.

    Where the offset is ahead, the local time is one minute less than the offset; behind, it is
    what the offset leaves of 23:59. Both are said for each digit on its own.
    """
    clock = rf"{_HOUR}:{_MINUTE}"
    texts = Written(rf"{clock}:60{_FRACTION}\{sign}{clock}")

    def bound(form: str, pairs: Iterable[tuple[object, object]]) -> Node:
        """The form with two holes, which are filled with one of the pairs."""
        return Written("|".join(form.format(*pair) for pair in pairs))

    if sign == "-":
        return intersection(
            texts,
            bound("{:02}.+-{:02}:..", ((23 - hour, hour) for hour in range(24))),
            bound("...{}.+:{}.", ((5 - ten, ten) for ten in range(6))),
            bound("....{}.+{}", ((9 - one, one) for one in range(10))),
        )
    whole_hours = bound(r"{:02}:59.+\+{:02}:00", (((23 + h) % 24, h) for h in range(24)))
    same_hour = intersection(
        bound(r"{}.+\+{}.+", ((ten, ten) for ten in range(3))),
        bound(r".{}.+\+.{}.+", ((one, one) for one in range(10))),
    )
    minute_less = alternation(
        intersection(
            bound("...{}.+:{}.", ((ten, ten) for ten in range(6))),
            bound("....{}.+{}", ((one - 1, one) for one in range(1, 10))),
        ),
        bound("...{}9.+:{}0", ((ten - 1, ten) for ten in range(1, 6))),
    )
    return intersection(texts, alternation(whole_hours, intersection(same_hour, minute_less)))


def ipv6() -> str:
    """A pattern of addresses of version 6, without zones."""
    group = "[0-9A-Fa-f]{1,4}"
    last = f"(?:{group}:{group}|{IPV4})"
    choices = [f"(?:{group}:){{6}}{last}"]
    for before in range(8):
        head = f"(?:{group}(?::{group}){{0,{before - 1}}})?" if before else ""
        after = 7 - before
        tail = {0: "", 1: group}.get(
            after, f"(?:{group}:){{{after - 2}}}{last}" if after > 1 else ""
        )
        choices.append(f"{head}::{tail}")
    return "|".join(choices)


def _uri(*, international: bool, relative: bool) -> str:
    more = private = ""
    if international:
        more = (
            r"\u{a0}-\u{d7ff}\u{f900}-\u{fdcf}\u{fdf0}-\u{ffef}"
            + "".join(rf"\u{{{p:x}0000}}-\u{{{p:x}fffd}}" for p in range(1, 14))
            + r"\u{e1000}-\u{efffd}"
        )
        private = r"\u{e000}-\u{f8ff}\u{f0000}-\u{ffffd}\u{100000}-\u{10fffd}"
    escape = "%[0-9A-Fa-f]{2}"
    plain = rf"0-9A-Za-z\-._~!$&'()*+,;={more}"
    character = rf"(?:[{plain}:@]|{escape})"
    user = rf"(?:(?:[{plain}:]|{escape})*@)?"
    future = r"[vV][0-9A-Fa-f]+\.[0-9A-Za-z\-._~!$&'()*+,;=:]+"
    host = rf"(?:\[(?:{ipv6()}|{future})\]|(?:[{plain}]|{escape})*)"
    segments = rf"(?:\/{character}*)*"
    authority = rf"\/\/{user}{host}(?::[0-9]*)?{segments}"
    absolute = rf"\/(?:{character}+{segments})?"
    query = rf"(?:\?(?:[{plain}:@\/?{private}]|{escape})*)?"
    fragment = rf"(?:\#(?:[{plain}:@\/?]|{escape})*)?"
    rootless = f"{character}+{segments}"
    whole = f"[A-Za-z][0-9A-Za-z+.-]*:(?:{authority}|{absolute}|{rootless}|)"
    if relative:
        no_scheme = f"(?:[{plain}@]|{escape})+{segments}"
        whole = f"(?:{whole}|{authority}|{absolute}|{no_scheme}|)"
    return f"{whole}{query}{fragment}"


def _uri_template() -> str:
    escape = "%[0-9A-Fa-f]{2}"
    variable = f"(?:[0-9A-Za-z_]|{escape})"
    name = rf"{variable}(?:\.?{variable})*"
    modified = rf"{name}(?::[1-9][0-9]{{0,3}}|\*)?"
    expression = rf"\{{[+#./;?&=,!@|]?{modified}(?:,{modified})*\}}"
    literal = r"""[^\u{0}-\u{20}"%<>\\^`{|}\u{7f}]"""
    return f"(?:{literal}|{escape}|{expression})*"


def _email() -> Node:
    """An address alone, as the standard has it; the oracle takes the name of a person before it."""
    domain = rf"(?:{_LABELS}|\[{IPV4}\]|\[[iI][pP][vV]6:(?:{ipv6()})\])"
    dotted = intersection(Written(rf"{_ATOM}(?:\.{_ATOM})*"), Written("[!-~]{1,64}"))
    return concatenation(alternation(dotted, Written(_QUOTED)), Written(f"@{domain}"))


def _idn_email() -> Node:
    letter = rf"[{_ATOM_CHARACTERS}\u{{80}}-\u{{10ffff}}]"
    dotted = intersection(read(rf"{letter}+(?:\.{letter}+)*"), repetition(ANY, 1, 64))
    quoted = read(r'"(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f]){0,62}"')
    end = r"[0-9A-Za-z\u{80}-\u{10ffff}]"
    label = rf"{end}(?:[0-9A-Za-z\-\u{{80}}-\u{{10ffff}}]{{0,61}}{end})?"
    return concatenation(alternation(dotted, quoted), read(rf"@{label}(?:\.{label})*"))


# ASCII without quotation marks or backslashes: what is written is what stands in the JSON text.
_WRITTEN: dict[str, Callable[[], Node]] = {
    "date": lambda: Written(DATE),
    "time": _time,
    "date-time": lambda: concatenation(Written(f"{DATE}[tT]"), _time()),
    "duration": lambda: Written(
        f"P(?:{_DURATION_DATE}(?:{_DURATION_TIME})?|{_DURATION_TIME}|[0-9]+W)"
    ),
    "uuid": lambda: Written("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "ipv4": lambda: Written(IPV4),
    "ipv6": lambda: Written(ipv6()),
    "uri": lambda: Written(_uri(international=False, relative=False)),
    "uri-reference": lambda: Written(_uri(international=False, relative=True)),
    "email": _email,
}
# Read as patterns: what is written may need escapes.
_PATTERNS: dict[str, Callable[[], str]] = {
    "json-pointer": lambda: _POINTER,
    "relative-json-pointer": lambda: f"(?:0|[1-9][0-9]*)(?:#|{_POINTER})",
    "iri": lambda: _uri(international=True, relative=False),
    "iri-reference": lambda: _uri(international=True, relative=True),
    "uri-template": _uri_template,
    "idn-hostname": lambda: r"[0-9A-Za-z\-.\u{80}-\u{10ffff}]+",
}
_INEXACT = frozenset({"email", "idn-email", "idn-hostname"})
