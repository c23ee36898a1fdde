"""E-mail addresses, URLs and UUIDs."""

from __future__ import annotations

import uuid

import phonenumbers
import pytest
from small_texts import check_agreement, check_laws, matches

import condit
from condit.errors import ArgumentError, UnsatisfiableError

LONG_DOMAIN = ".".join(["b" * 60] * 4)


@pytest.mark.slow
def test_addresses_by_matcher_and_oracle() -> None:
    check_laws(condit.email(), [*"ab01-.@_", "@b", ".co", "local", "xn--", "a" * 60], walks=6)
    check_agreement(condit.email(), 'ab@.-_1\u00e9+ X"\u0663')
    check_agreement(condit.email(), "ab@.-xn", stopping=0.01, texts=30)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("a@b.co", True), ("a@b", False), ("a@b.c1", False), ("a@1.2.3.4", False)),
        *(("a@b.Local", False), ("a@b.locals", True), ("a@test", False), ("a@x.test", False)),
        *(("a" * 64 + "@b.co", True), ("a" * 65 + "@b.co", False)),
        *(("a@" + "b" * 63 + ".co", True), ("a@" + "b" * 64 + ".co", False)),
        *((f"a@{LONG_DOMAIN}.{'c' * 8}", True), (f"a@{LONG_DOMAIN}.{'c' * 9}", False)),
        *(("a@b.xn--p1ai", False), ("a@ab--c.com", False), ("a@abxn--c.com", True)),
        *((".a@b.co", False), ("a..b@b.co", False), ("a@b-.co", False), ('"a"@b.co', False)),
        *(("\u0661@b.co", False), ("Ann <a@b.co>", False), ("a@[1.2.3.4]", False)),
    ],
)
def test_traps_of_addresses(text: str, valid: bool) -> None:
    assert matches(condit.email(), text) == condit.email().accepts(text) == valid


@pytest.mark.slow
@pytest.mark.parametrize("schemes", [("http", "https"), ("ftp", "s3", "git+ssh")])
def test_urls_by_matcher_and_oracle(schemes: tuple[str, ...]) -> None:
    tokens = [*"htpsf3gi+:/[]%2aA.?#@-0", "http", "://", "[::", "%20", ":80", "65535"]
    check_laws(condit.url(schemes), tokens, walks=6)
    check_agreement(condit.url(schemes), "/:[]%2a\u00e9?#@ .-0\\", texts=1000)
    check_agreement(condit.url(schemes), "/:[]%2a?#@.-0", texts=50, stopping=0.02)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("http://a", True), ("http://a:0", True), ("http://a:65535/", True)),
        *(("http://a:65536", False), ("http://a:080", False), ("http://a:", False)),
        *(("http://[::1]", True), ("http://[::ffff:1.2.3.4]:80/", True), ("http://[::1", False)),
        *(("http://[1::2::3]", False), ("http://[fe80::1%25e]/", False), ("http://[v1.a]", False)),
        *(("http://a/%2F", True), ("http://a/%", False), ("http://a/%zz", False)),
        *(("http://a?b?c#d?e", True), ("http://a#b#c", False), ("http://a/ ", False)),
        *(("HTTP://a", False), ("http:a", False), ("http:///a", False), ("ftp://a", False)),
        *(("http://u@a/", False), ("http://a.", False), ("http://-a", False)),
        *(("http://\u00e9/", False), ("http://a/\u00e9", False), ("http://a:\u0663/", False)),
    ],
)
def test_traps_of_urls(text: str, valid: bool) -> None:
    assert matches(condit.url(), text) == condit.url().accepts(text) == valid


def test_values_of_urls_are_their_parts() -> None:
    parts = condit.url().value("https://example.com:8080/a?b=1#c")
    assert (parts.hostname, parts.port, parts.query) == ("example.com", 8080, "b=1")


@pytest.mark.parametrize("schemes", [["HTTP"], [""], ["a b"], [5]])
def test_schemes_that_are_none(schemes: list[str]) -> None:
    with pytest.raises(ArgumentError, match="no scheme"):
        condit.url(schemes)


def test_no_scheme_at_all() -> None:
    with pytest.raises(UnsatisfiableError, match="at least one"):
        condit.url([])


@pytest.mark.parametrize("version", [None, 1, 4, 7])
def test_uuids_by_matcher_and_oracle(version: int | None) -> None:
    wanted = condit.uuid(version)
    check_laws(wanted, [*"0123456789abcdef-", "4a", "-7", "00"])
    check_agreement(wanted, "0aAf-{}g\u0663")


def test_versions_of_uuids() -> None:
    found = str(uuid.uuid4())
    assert condit.uuid(4).accepts(found)
    assert condit.uuid(4).value(found) == uuid.UUID(found)
    assert "its version is 4, not 1" in condit.uuid(1).explain(found)
    for version in (0, 9, True, "4"):
        with pytest.raises(ArgumentError, match="no version"):
            condit.uuid(version)  # type: ignore[arg-type]


def test_they_are_made_by_name() -> None:
    assert condit.make_constraint("email", "") == condit.email()
    assert condit.make_constraint("url", "https") == condit.url(["https"])
    assert condit.make_constraint("url", "") == condit.url()
    assert condit.make_constraint("uuid", "4") == condit.uuid(4)


REGIONS = ["AD", "AG", "AR", "AU", "BR", "DE", "FR", "GB", "IN", "IT", "JP", "KZ", "MX", "RU", "US"]


@pytest.mark.slow
@pytest.mark.parametrize("region", REGIONS)
def test_telephone_numbers_by_matcher_and_oracle(region: str) -> None:
    wanted = condit.phone(region)
    check_agreement(wanted, "0123456789+ -\u0663", texts=100)
    code = f"+{phonenumbers.country_code_for_region(region)}"
    example = phonenumbers.example_number(region)
    text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert matches(wanted, text)
    # Digits that are dialled within a country are no part of the number.
    for prefix in ("0", "1", "8", "15", "01", "044"):
        other = code + prefix + text.removeprefix(code)
        assert matches(wanted, other) == wanted.accepts(other), other


def test_laws_of_telephone_numbers() -> None:
    check_laws(condit.phone("GB"), [*"0123456789+", "44", "+4", "20"])


def test_regions_that_are_none() -> None:
    for region in ("XX", "gb", None):
        with pytest.raises(ArgumentError, match="no region is called"):
            condit.phone(region)  # type: ignore[arg-type]
    assert condit.make_constraint("phone", "GB") == condit.phone("GB")
