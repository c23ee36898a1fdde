"""Addresses that pydantic reads, as patterns: of hosts, of networks, and of what a URL leads to.

They are narrower than what pydantic takes where that is lenient by tradition (``http:example.com``,
``0x7f.1``, a mask written out behind a network): what is drawn is what people write.
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
# A last label that begins with a digit would make it an address in numbers.
_LAST_LABEL = f"(?:[A-Za-z][0-9A-Za-z]*(?:[_-][0-9A-Za-z]+)*|{_ENCODED})"
_SCHEME = "[A-Za-z][0-9A-Za-z+.-]*"

IPV4_NETWORK = rf"{IPV4}(?:/(?:3[0-2]|[12]?[0-9]))?"
"""An address or a network; whether it has bits set behind its prefix is not seen."""

IPV6_NETWORK = f"(?:{ipv6()})(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?"


_BEHIND_OPAQUE = (
    rf"(?:[{_PLAIN}/-]|{_ESCAPE})*(?:\?(?:[{_PLAIN}/?-]|{_ESCAPE})*)?"
    rf"(?:#(?:[{_PLAIN}/?-]|{_ESCAPE})*)?"
)


def _host(*, loose: bool = False) -> str:
    """A host; ``loose``: where several may stand, pydantic has to look at those of version 6."""
    version_6 = "[0-9A-Fa-f:.]{2,45}" if loose else f"(?:{ipv6()})"
    return rf"(?:(?:{_LABEL}\.)*{_LAST_LABEL}\.?|{IPV4}|\[{version_6}\])"


def url_pattern(schemes: Sequence[str] | None, *, may_lack_host: bool, several: bool) -> str:
    """URLs as ``scheme://user@host:port/path?query#fragment``.

    Addresses of the web have no user. Names and passwords have letters, digits, ``._~-`` and
    escapes.

    Args:
        schemes: those that are allowed; ``None``: all, and also URLs without a host such as
            ``mailto:a@b``.
        may_lack_host: whether the host may be left out where the scheme does not ask for one.
        several: whether there may be several hosts, with commas between them.
    """
    # In addresses of the web a name before the host is out of use, and what is easily mistaken
    # for the beginning of a host leads draws astray.
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
    """Forms that differ in their scheme alone as one."""
    schemes: dict[str, list[str]] = {}
    for form in forms:
        scheme, _, rest = form.partition("://")
        schemes.setdefault(rest, []).append(scheme)
    return [f"(?:{'|'.join(names)})://{rest}" for rest, names in schemes.items()]


def _literal(scheme: str) -> str:
    return scheme.replace("+", r"\+").replace(".", r"\.")


def _any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)
