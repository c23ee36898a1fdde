"""The constraint ``url``: absolute addresses on the web."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import SplitResult, urlsplit

import jsonschema_rs

from condit.constraint.regular.expression import alternation, concatenation, repetition, word
from condit.constraint.schema.formats import ipv6
from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import listed
from condit.constraint.types.base import RegularType
from condit.constraint.types.numerals import between
from condit.constraint.types.patterns import read
from condit.errors import ArgumentError, UnsatisfiableError

_LABEL = r"[0-9A-Za-z]([0-9A-Za-z\-]{0,61}[0-9A-Za-z])?"
_ESCAPE = "%[0-9A-Fa-f]{2}"
_CHARACTER = rf"([0-9A-Za-z\-._~!$&'()*+,;=:@]|{_ESCAPE})"
_LAST_PORT = 65535

_URI = jsonschema_rs.Draft202012Validator({"format": "uri"}, validate_formats=True)
_HOSTNAME = jsonschema_rs.Draft4Validator({"format": "hostname"}, validate_formats=True)


def url(schemes: Iterable[str] = ("http", "https")) -> Url:
    """Absolute addresses such as ``https://example.com:8080/a%20b?x=1#top``, as in RFC 3986.

    A scheme, ``://``, a host and what may follow: a port, a path, a query, a fragment. The host is
    a name in ASCII, an IPv4 address, or an IPv6 address in brackets; before it there is no user.
    The value is a ``urllib.parse.SplitResult``.

    >>> url().accepts("http://[::1]:8080/a%20b")
    True
    >>> url(["https"]).accepts("http://example.com/")
    False

    Args:
        schemes: in small letters.

    Raises:
        ArgumentError: one is no scheme.
        UnsatisfiableError: there is none.
    """
    return Url((schemes,) if isinstance(schemes, str) else tuple(schemes))


@dataclass(frozen=True)
class Url(RegularType):
    """Absolute addresses; made by ``url``.

    Attributes:
        schemes: those they may begin with.
    """

    schemes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.schemes:
            raise UnsatisfiableError("url: there is no scheme; give at least one, such as 'https'")
        for scheme in self.schemes:
            if not isinstance(scheme, str) or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
                raise ArgumentError(
                    f"url: {scheme!r} is no scheme in small letters, such as 'https'"
                )
        schemes = alternation(*map(word, self.schemes))
        host = read(rf"://({_LABEL}(\.{_LABEL})*|\[({ipv6()})\])")
        port = concatenation(word(":"), between(Decimal(0), Decimal(_LAST_PORT)))
        tail = read(rf"(/{_CHARACTER}*)*(\?({_CHARACTER}|[/?])*)?(#({_CHARACTER}|[/?])*)?")
        self._follow(concatenation(schemes, host, repetition(port, 0, 1), tail))

    def objection(self, text: str) -> str | None:
        """Why it is no such address, by jsonschema-rs and Python's ``urllib``."""
        if not _URI.is_valid(text):
            return "it is no URI"
        parts = urlsplit(text)
        if parts.scheme not in self.schemes or not text.startswith(f"{parts.scheme}://"):
            return f"it does not begin with {self._begun}"
        host, bracket, port = parts.netloc.rpartition("]")
        if not bracket:
            host, colon, port = parts.netloc.partition(":")
            port = colon + port
            is_host = all(map(_HOSTNAME.is_valid, host.split(".")))
        else:
            is_host = _is_ipv6(host.removeprefix("["))
        if not is_host:
            return f"{parts.netloc!r} has no host that is a name or an IP address"
        if port:
            digits = port.removeprefix(":")
            number = int(digits) if digits.isascii() and digits.isdigit() else -1
            if str(number) != digits or number > _LAST_PORT:
                return f"{digits!r} is no port"
        return None

    def value(self, text: str) -> SplitResult:
        """Its parts."""
        return urlsplit(text)

    def describe(self) -> str:
        """The schemes, as an instruction to a model."""
        return f"Respond only with a URL that begins with {self._begun}"

    @property
    def _begun(self) -> str:
        return " or ".join(f"{scheme}://" for scheme in self.schemes)


def _is_ipv6(host: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False


def _make(value: object = None) -> Url:
    schemes = listed(value)
    return url(schemes) if schemes else url()  # type: ignore[arg-type]


URL = ConstraintSource(
    name="url",
    description="an absolute URL; its schemes, as in http,https, or no value",
    make=_make,
)
