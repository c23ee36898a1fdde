"""Patterns of hosts, IP networks and URLs, as pydantic validates them.

They are narrower than pydantic where that accepts unusual forms (``http:example.com``, ``0x7f.1``,
a netmask in place of a prefix length), so that usual ones are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from condit.constraint.schema.formats import IPV4, ipv6

_SPECIAL = ("http", "https", "ws", "wss", "ftp")
"""Schemes that always have a host."""

_ESCAPE = "%[0-9A-Fa-f]{2}"
_PLAIN = "0-9A-Za-z._~!$&'()*+,;=:@"
_CHARACTER = f"(?:[{_PLAIN}-]|{_ESCAPE})"
_PATH = f"(?:/(?:[{_PLAIN}/-]|{_ESCAPE})*)?"
_BEHIND = rf"{_PATH}(?:\?(?:[{_PLAIN}/?-]|{_ESCAPE})*)?(?:#(?:[{_PLAIN}/?-]|{_ESCAPE})*)?"
_NAME = f"(?:[0-9A-Za-z._~-]|{_ESCAPE})"
_USER = f"(?:{_NAME}*(?::{_NAME}*)?@)?"
_PORT = "(?::(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4}))?"
# Labels have no two hyphens in a row, but for those that stand for other alphabets.
_ENCODED = "[xX][nN]--[0-9A-Za-z-]*[0-9A-Za-z]"
_LABEL = f"(?:[0-9A-Za-z]+(?:[_-][0-9A-Za-z]+)*|{_ENCODED})"
# A host whose last label begins with a digit would be read as an IPv4 address.
_LAST_LABEL = f"(?:[A-Za-z][0-9A-Za-z]*(?:[_-][0-9A-Za-z]+)*|{_ENCODED})"
_SCHEME = "[A-Za-z][0-9A-Za-z+.-]*"

IPV4_NETWORK = rf"{IPV4}(?:/(?:3[0-2]|[12]?[0-9]))?"
"""An address or a network; bits that are set behind the prefix are not noticed."""

IPV6_NETWORK = f"(?:{ipv6()})(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?"

_BEHIND_OPAQUE = (
    rf"(?:[{_PLAIN}/-]|{_ESCAPE})*(?:\?(?:[{_PLAIN}/?-]|{_ESCAPE})*)?"
    rf"(?:#(?:[{_PLAIN}/?-]|{_ESCAPE})*)?"
)


def _host(*, loose: bool = False) -> str:
    """A pattern of a host; with ``loose``, of IPv6 only the characters, to keep it short."""
    version_6 = "[0-9A-Fa-f:.]{2,45}" if loose else f"(?:{ipv6()})"
    return rf"(?:(?:{_LABEL}\.)*{_LAST_LABEL}\.?|{IPV4}|\[{version_6}\])"


def url_pattern(schemes: Sequence[str] | None, *, may_lack_host: bool, several: bool) -> str:
    """A pattern of URLs, ``scheme://user@host:port/path?query#fragment``.

    Those of http and web sockets have no user. Names and passwords have letters, digits, ``._~-``
    and escapes.

    Args:
        schemes: those that are allowed; ``None``: all, and also URLs without a host such as
            ``mailto:a@b``.
        may_lack_host: whether the host may be left out where the scheme does not need one.
        several: whether there may be several hosts, with commas between them.
    """
    # A user in such a URL is obsolete, and would make every host ambiguous while it is drawn.
    web = schemes is not None and not several and set(schemes) <= {"http", "https", "ws", "wss"}
    one = f"{'' if web else _USER}{_host(loose=several)}{_PORT}"
    hosts = f"{one}(?:,{one})*" if several else one
    file = f"(?:{_host()})?/(?:[{_PLAIN}/-]|{_ESCAPE})*"
    if schemes is None:
        others = "|".join(map(_any_case, (*_SPECIAL, "file")))
        return (
            f"^(?:(?!{_any_case('file')}:){_SCHEME}://{hosts}{_BEHIND}"
            f"|{_any_case('file')}://{file}"
            f"|(?!(?:{others}):){_SCHEME}:(?!/){_CHARACTER}{_BEHIND_OPAQUE})$"
        )
    forms = []
    for scheme in schemes:
        if scheme == "file":
            forms.append(f"file://{file}")
        elif may_lack_host and scheme not in _SPECIAL:
            forms.append(f"{_literal(scheme)}://(?:{hosts})?{_BEHIND}")
        else:
            forms.append(f"{_literal(scheme)}://{hosts}{_BEHIND}")
    return f"^(?:{'|'.join(_joined(forms))})$"


def _joined(forms: list[str]) -> list[str]:
    """The forms, with those that differ only in their scheme merged."""
    schemes: dict[str, list[str]] = {}
    for form in forms:
        scheme, _, rest = form.partition("://")
        schemes.setdefault(rest, []).append(scheme)
    return [f"(?:{'|'.join(names)})://{rest}" for rest, names in schemes.items()]


def _literal(scheme: str) -> str:
    return scheme.replace("+", r"\+").replace(".", r"\.")


def _any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)
