"""Patterns for the formats that only pydantic's JSON schemas have, and no validator checks."""

from __future__ import annotations

import warnings
from typing import Any

from condit.constraint.python.addresses import IPV4_NETWORK, IPV6_NETWORK
from condit.constraint.python.remarks import demand, example, instead, remark
from condit.constraint.schema.dialect import is_checked_format
from condit.constraint.schema.formats import BYTE

_BASE64 = "(?:[{0}]{{4}})*(?:[{0}]{{2}}==|[{0}]{{3}}=)?"

# Three characters of ASCII are 0xxxxxx 0xxxxxxx 0xxxxxxx: which letters have a 0 there.
_FIRST, _SECOND = "[A-Za-f]", "[A-HQ-Xg-nw-z0-3]"
_THIRD = "[ABEFIJMNQRUVYZcdghklopstwx014589]"
BASE64_ASCII = (
    f"^(?:{_FIRST}{_SECOND}{_THIRD}[A-Za-z0-9+/])*"
    f"(?:{_FIRST}[AQgw]==|{_FIRST}{_SECOND}[AEIMQUYcgkosw048]=)?$"
)
"""The encoding of a text in ASCII; not all bytes are a text."""

_COMMA = " ?, ?"
_ALPHA = r"(?:0(?:\.[0-9]{1,4})?|1|100%|[1-9]?[0-9]%)"
_PERCENT = "(?:100|[1-9]?[0-9])%"
_HUE = "(?:36[0]|3[0-5][0-9]|[12][0-9]{2}|[1-9]?[0-9])"


def _color() -> str:
    with warnings.catch_warnings():
        # The user's own import of the type has given this warning.
        warnings.simplefilter("ignore", DeprecationWarning)
        from pydantic.color import COLORS_BY_NAME

    names = "|".join(COLORS_BY_NAME)
    digits = "#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})"
    rgb = rf"rgb\({BYTE}{_COMMA}{BYTE}{_COMMA}{BYTE}\)"
    rgba = rf"rgba\({BYTE}{_COMMA}{BYTE}{_COMMA}{BYTE}{_COMMA}{_ALPHA}\)"
    hsl = rf"hsl\({_HUE}{_COMMA}{_PERCENT}{_COMMA}{_PERCENT}\)"
    return f"^(?:{names}|{digits}|{rgb}|{rgba}|{hsl})$"


_ATOM = r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+"
_DOMAIN = r"(?:[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?\.)+[A-Za-z]{2,}"
_ADDRESS = rf"{_ATOM}(?:\.{_ATOM})*@{_DOMAIN}"
_NAME = r"[0-9A-Za-z](?:[0-9A-Za-z '-]*[0-9A-Za-z])?"

_PATTERNS = {
    "base64": f"^{_BASE64.format('A-Za-z0-9+/')}$",
    "base64url": f"^{_BASE64.format('A-Za-z0-9_-')}$",
    "ipv4interface": f"^{IPV4_NETWORK}$",
    "ipv4network": f"^{IPV4_NETWORK}$",
    "ipv6interface": f"^{IPV6_NETWORK}$",
    "ipv6network": f"^{IPV6_NETWORK}$",
    "ipvanyinterface": f"^(?:{IPV4_NETWORK}|{IPV6_NETWORK})$",
    "ipvanynetwork": f"^(?:{IPV4_NETWORK}|{IPV6_NETWORK})$",
    "name-email": f"^(?:{_NAME} <{_ADDRESS}>|{_ADDRESS})$",
    "email": f"^{_ADDRESS}$",
}
_EXAMPLES = {
    "ipvanyaddress": ["1.1.1.1", "::1"],
    "ipv6network": ["::/0"],
    "ipvanynetwork": ["1.1.1.1", "::/0"],
    "color": ["red", "#000"],
    "name-email": ["a@b.co"],
}


def translate(part: dict[str, Any]) -> None:
    """Note in a subschema what a format of pydantic's means, as patterns and remarks."""
    name = part.get("format")
    if not isinstance(name, str):
        return
    example(part, _EXAMPLES.get(name, []))
    if name.startswith("uuid") and name[4:].isdigit():
        instead(part, format="uuid")
        demand(part, f"^.{{14}}{name[4:]}.{{4}}[89ABab]")
    elif name == "ipvanyaddress":
        addresses = [{"type": "string", "format": each} for each in ("ipv4", "ipv6")]
        instead(part, format=None, type=None, anyOf=addresses)
    elif name == "color":
        demand(part, _color())
    elif name in _PATTERNS:
        demand(part, _PATTERNS[name])
    if name.endswith("network"):
        remark(part, "ip_network", "close", "no bits are set behind the prefix")
    elif name in ("email", "name-email"):
        remark(part, "email", "close", "what else email-validator asks of a domain")
    elif name == "regex":
        remark(part, "Pattern", "close", "a regular expression of Python's")
    # For an email address the pattern is stricter than the format.
    if name == "email" or (not name.startswith("uuid") and not is_checked_format(name)):
        instead(part, format=None)
