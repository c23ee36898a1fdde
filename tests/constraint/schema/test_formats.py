import json
import random
import re

import jsonschema_rs
import pytest

from condit.constraint.regular.expression import ANYTHING
from condit.constraint.schema.formats import format_texts
from condit.constraint.schema.spelling import escapes
from condit.constraint.schema.strings import names_texts
from condit.constraint.schema.texts import Texts

VALIDATORS = {
    4: jsonschema_rs.Draft4Validator,
    6: jsonschema_rs.Draft6Validator,
    7: jsonschema_rs.Draft7Validator,
    19: jsonschema_rs.Draft201909Validator,
    20: jsonschema_rs.Draft202012Validator,
}
EXACT = ["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "json-pointer"]
EXACT += ["relative-json-pointer", "uri", "uri-reference", "iri", "iri-reference", "uri-template"]
RELAXED = ["hostname", "email", "idn-email", "idn-hostname", "regex"]
EXAMPLES = {
    "date": ["2020-02-29", "1999-12-31", "0000-01-01"],
    "time": ["12:00:00Z", "23:59:60.5z", "08:30:00.125-07:30", "12:29:60+12:30"],
    "date-time": ["2020-02-29T12:00:00Z", "1998-12-31T15:59:60.123-08:00"],
    "duration": ["P1Y2M3DT4H5M6S", "P4W", "PT0S", "P1D"],
    "uuid": ["2eb8aa08-AA98-11ea-b4aa-73b441d16380"],
    "ipv4": ["127.0.0.1", "255.255.255.255"],
    "ipv6": ["::", "::1", "1:2:3:4:5:6:7:8", "1::8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"],
    "json-pointer": ["", "/a/~0~1/é", '/\n"'],
    "relative-json-pointer": ["0", "12#", "1/a"],
    "uri": ["http://a@b.c:80/d?e#f", "urn:x", "a://[::1]/%41", "a:/b//c", "x://[v1.a]"],
    "uri-reference": ["", "//a", "a/b:c", "#f", "?q"],
    "iri": ["http://é/中?\ue000#é"],
    "iri-reference": ["é", "//中"],
    "uri-template": ["/a{?b,c*}{+d:3}", "é{.x}", "{%41.b}"],
    "hostname": ["a", "a-b.example", "xn--nxasmq6b"],
    "email": [
        "a.b@c.d",
        '"a b\\""@c',
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
    ],
    "idn-email": ["é@中.文", '"a@"@b'],
    "idn-hostname": ["é.中。a", "a\xadb"],
    "regex": ["a", "^(?!b)"],
}
ALPHABET = "09aZAF-:.@/?#[]%~{}<>\"\\ '+,;=!&*_^`|T12xn\n\x7f\x80é中。\ue000😀"
# The oracle takes some signs for digits, which no standard does: there the digits are asked for.
CLOCK = r"\d\d:\d\d:\d\d(?:\.\d+)?(?:[zZ]|[+-]\d\d:\d\d)"
DIGITS = {
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "time": re.compile(CLOCK, re.ASCII),
    "date-time": re.compile(rf"\d{{4}}-\d\d-\d\d[tT]{CLOCK}", re.ASCII),
}


def judge(name, draft=20):
    oracle = VALIDATORS[draft]({"type": "string", "format": name}, validate_formats=True)
    digits = DIGITS.get(name)

    def judged(text):
        if name.endswith("email") and text.rstrip().endswith(">"):
            return False  # the oracle takes a person's name along with the address
        return oracle.is_valid(text) and (digits is None or bool(digits.fullmatch(text)))

    return judged


def language_of(name, draft=20):
    node = jsonschema_rs.canonicalize(
        {"type": "string", "format": name}, draft=draft, validate_formats=True
    )
    return names_texts(node)


@pytest.mark.parametrize("name", [*EXACT, *RELAXED])
def test_a_format_holds_what_the_oracle_accepts(name, terminal, drawn, mutated):
    language, valid = language_of(name), judge(name)
    assert language.exact == (name in EXACT)
    assert language.relaxed == (() if name in EXACT else ("format",))
    holds = terminal(language)
    rng = random.Random(name)
    known = list(EXAMPLES[name])
    assert all(map(valid, known))
    node = format_texts(name, 20).node
    verdicts = []
    for i in range(400):
        text = rng.choice(known) if i % 2 else drawn(node, rng)
        if i > 2 * len(known):
            text = mutated(text, rng, ALPHABET)
        wanted = valid(text)
        verdicts.append(wanted)
        if wanted and i % 10 == 0:
            known.append(text)
        for spelled in (json.dumps(text, ensure_ascii=False), json.dumps(text)):
            if wanted and (escapes(language.node) or not spelled.isascii() or text.isascii()):
                assert holds(spelled), text
            if language.exact and not wanted:
                assert not holds(spelled), text
    assert 10 < sum(verdicts) < 400


def test_leap_seconds_are_where_the_oracle_has_them(terminal):
    holds, valid = terminal(language_of("time")), judge("time")
    rng = random.Random(60)
    found = 0
    for _ in range(1500):
        minutes, sign = rng.randrange(1440), rng.choice((1, -1))
        local = 1439 + sign * minutes + rng.choice((0, 0, 1, -1, 60, -60, 10, 600))
        offset = f"{'+' if sign > 0 else '-'}{minutes // 60:02}:{minutes % 60:02}"
        text = f"{local // 60 % 24:02}:{local % 60:02}:60{rng.choice(('', '.5'))}{offset}"
        found += valid(text)
        assert holds(f'"{text}"') == valid(text), text
    assert found > 300


def test_days_are_those_of_the_calendar(terminal):
    holds, valid = terminal(language_of("date")), judge("date")
    for year in (0, 4, 1900, 1999, 2000, 2020, 2100, 2400, 9999):
        for month in range(14):
            for day in (0, 1, 28, 29, 30, 31, 32):
                text = f"{year:04}-{month:02}-{day:02}"
                assert holds(f'"{text}"') == valid(text), text


def test_signs_are_no_digits_though_the_oracle_takes_some_for_them(terminal):
    assert VALIDATORS[20]({"format": "date"}, validate_formats=True).is_valid("309,-08-31")
    assert not terminal(language_of("date"))('"309,-08-31"')


@pytest.mark.parametrize("draft", list(VALIDATORS))
@pytest.mark.parametrize("name", [*EXACT, *RELAXED, "color", "no such format"])
def test_what_a_draft_does_not_assert_is_an_annotation(name, draft):
    valid = judge(name, draft)
    asserted = not all(map(valid, ["\x00 \n<>{}%zz", "::::", "(", "", "x y"]))
    assert (format_texts(name, draft) is not None) == asserted
    if not asserted:
        assert language_of(name, draft) == Texts(ANYTHING)


def test_two_hyphens_are_kept_for_encoded_names_from_draft_7_on(terminal):
    for draft in VALIDATORS:
        holds, valid = terminal(language_of("hostname", draft)), judge("hostname", draft)
        for text in ["ab--c", "a.xy--z", "a--b", "abc--d", "ab-c", "x", "a.b-", "a" * 64, "1--2"]:
            assert holds(f'"{text}"') == valid(text), (text, draft)
        assert holds('"xn--nxasmq6b"')
        assert language_of("hostname", draft).exact == (draft < 7)
        assert holds(json.dumps(".".join(["a" * 63] * 4))) == (draft >= 7)


def test_where_the_draft_is_not_known_every_draft_is_served():
    assert format_texts("date", None) == format_texts("date", 20)
    assert not format_texts("uuid", None).exact
    assert format_texts("no such format", None) is None
