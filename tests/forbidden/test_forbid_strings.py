"""Forbidden strings: against a search of all parts of a text by patterns, and what users expect."""

import pickle
import random
import re

import numpy as np
import pytest

import condit
from condit.constraint.base import unpack
from condit.errors import ArgumentError, CompileError, UnsatisfiableError
from condit.notation import read
from condit.testing import check_matcher
from condit.vocabulary import Vocabulary

# Tokens that are cut inside of characters, beside each byte.
TOKENS = [bytes([byte]) for byte in range(256)] + [
    *(b"ab", b"a b", b"-b", b"bo", b"0b", b" a", b"b@", b"a-b-", b". b", b"\xa9o", b"a\xc3"),
    *(
        b"b\xd0",
        b"\xbe",
        b"\xbea",
        "\u043eb".encode(),
        "\u200bo".encode(),
        b"\xe2\x80",
        b"\xd0\xbeb",
    ),
]
VOCABULARY = Vocabulary([*TOKENS, b""], end=len(TOKENS))

LEET = {"o": "0", "a": "@4", "l": "1", "b": "86"}
DISGUISES = ("accents", "homoglyphs", "invisible", "leetspeak", "repeats", "spelled_out", "spacing")


def pattern_of(string, through, *, leet):
    """A pattern for all ways to write a string, of the characters that the tests use."""
    string = re.sub(" +", " ", string)
    if "spacing" in through:
        string = string.replace(" ", "")
    unseen = "[" + "\u200b" * ("invisible" in through) + "\u0301" * ("accents" in through) + "]*"
    unseen = "" if unseen == "[]*" else unseen
    separator = rf"(?:[ .@$_-]{unseen})"

    def one(letter):
        forms = letter
        if leet and "leetspeak" in through:
            forms += LEET.get(letter, "")
        if "homoglyphs" in through:
            forms += {"o": "\u043e", "a": "\u0430"}.get(letter, "")
        if "accents" in through:
            forms += {"a": "á", "o": "ó"}.get(letter, "")
        found = f"[{re.escape(forms)}]"
        return f"(?:{found}{unseen})" + ("+" if "repeats" in through or letter == " " else "")

    if "spacing" in through:
        again = "repeats" in through
        return f"{separator}*".join(
            f"{one(each)}(?:{separator}*{one(each)})*" if again else one(each) for each in string
        )
    plain = "".join(map(one, string))
    if "spelled_out" not in through:
        return plain
    # White space within a string is one of the separators where it is spelled out.
    letters = [each for each in string if each != " "]
    return plain, letters, one, separator


def test_what_users_expect():
    usual = condit.forbid(["bomb", "ass", "fail", "heart attack", "lo"], look_through="usual")
    fine = "class|Scunthorpe assassin|fall|10 items|455 of 1337|a bombastic heart|bomb5|hello|b o"
    assert [each for each in fine.split("|") if not usual.accepts(each)] == []
    bad = "b0mb|B-O-M-B|b o m b!|a$$|@ss|b\u043e\u043emb|bo\u200bmb|böm̈b|BOMMMB|heart\n attack|1o"
    bad += "|\uff42\uff4f\uff4d\uff42|\U0001d41b\U0001d428\U0001d426\U0001d41b"
    assert [each for each in bad.split("|") if usual.accepts(each)] == []
    for spaced in ("bo mb", "b omb"):
        assert usual.accepts(spaced)
        assert not condit.forbid("bomb", look_through="spacing").accepts(spaced)
    assert condit.forbid("bomb").accepts("b0mb")
    assert condit.forbid("Bomb", match_case=True).accepts("bomb")
    assert not condit.forbid("omb", anywhere=True).accepts("bombs")


def test_violations_say_which_and_how():
    ban = condit.forbid(["bomb", "ass"], look_through=["leetspeak", "spelled_out"])
    assert ban.explain("the b-0-m-b!") == (
        "at character 4: it has 'bomb', which is forbidden, written as 'b-0-m-b'"
    )
    found = ban.findings("an a$s, a b0mb")
    assert [(each.string, each.start, each.written) for each in found] == [
        ("ass", 3, "a$s"),
        ("bomb", 10, "b0mb"),
    ]
    matcher = ban.bind(Vocabulary.of_bytes())
    for byte in b"a b0m":
        matcher.advance(byte)
    matcher.advance(ord("b"))
    assert not matcher.allows(ord("."))
    assert "'bomb' is forbidden" in matcher.explain(ord("."))
    assert matcher.allows(ord("y"))  # a longer word
    assert not matcher.allows(matcher.vocabulary.end)


def test_notation_opens_files_only_for_the_user(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("bomb\nass\n", encoding="utf-8")
    assert not read(f'forbid(file("{file}"))').accepts("a bomb")
    assert not read(f'forbid.recitation(file("{file}"), longest=1)').accepts("bomb\nass")
    assert read(f'forbid("{file}")', opens=False).accepts("a bomb")
    for opens in (f'forbid(file("{file}"))', f'forbid.recitation(file("{file}"))'):
        with pytest.raises(CompileError):
            read(opens, opens=False)


@pytest.mark.parametrize("seed", range(2))
def test_against_a_search_of_all_parts(seed):
    draw = random.Random(seed)
    for _ in range(14):
        strings = ["".join(draw.choices("abol1", k=draw.randint(1, 3))) for _ in range(2)]
        if draw.random() < 0.3:
            strings.append("a b")
        through = frozenset(each for each in DISGUISES if draw.random() < 0.4)
        anywhere = draw.random() < 0.4
        ban = condit.forbid(strings, anywhere=anywhere, look_through=through)
        matcher = ban.bind(VOCABULARY)
        for _ in range(12):
            text = "".join(draw.choices("abbo0l14 -.á\u043e\u200b\u0301x_", k=draw.randint(1, 6)))
            want = not any(stands(each, text, through, anywhere) for each in strings)
            assert ban.accepts(text) == want, (strings, through, anywhere, text)
            tokens = [*text.encode(), VOCABULARY.end]
            assert (matcher.count_allowed(tokens) == len(tokens)) == want, (strings, through, text)
        here = matcher.copy()
        while here.allows(token := draw.randrange(VOCABULARY.end)):
            here.advance(token)
            asked = [here.allows(each) for each in range(len(VOCABULARY))]
            assert unpack(here.mask(), len(VOCABULARY)).tolist() == asked, (strings, through)


def stands(string, text, through, anywhere):
    """Whether a string stands in a text: each part is compared with all ways to write it."""
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if not anywhere and (
                in_word(text[:start], -1, through) or in_word(text[end:], 0, through)
            ):
                continue
            part = text[start:end]
            if written(string, part, through, leet=False):
                return True
            sure = any(not each.isdigit() for each in part if each not in " ._-\u200b\u0301")
            # A sign that is a separator may also be a letter: try without what it says.
            if written(string, part, through, leet=True) and (sure and real(part)):
                return True
    return False


def real(part):
    return any(each in "abolxá\u043e@" for each in part)


def in_word(rest, place, through):
    skipped = "\u200b" * ("invisible" in through) + "\u0301" * ("accents" in through)
    rest = rest.strip(skipped) if skipped else rest
    return bool(rest) and bool(re.match(r"\w", rest[place]))


def written(string, part, through, *, leet):
    found = pattern_of(string, through, leet=leet)
    if isinstance(found, str):
        return re.fullmatch(found, part) is not None
    plain, letters, one, separator = found
    if re.fullmatch(plain, part):
        return True
    again = "repeats" in through
    units = (f"{one(each)}(?:{separator}+{one(each)})*" if again else one(each) for each in letters)
    return re.fullmatch(f"{separator}+".join(units), part) is not None


def test_laws():
    small = Vocabulary(
        [*(b"a", b"b", b"ab", b"0", b" ", b"-", b"a-", b" b", b"\xc3", b"\xa9", b"x"), b""], end=11
    )
    for ban in (
        condit.forbid(["ab", "bob"], look_through="usual"),
        condit.forbid(["a", "bé"], anywhere=True, look_through=["accents", "spacing"]),
    ):
        check_matcher(ban, small, np.random.default_rng(0), walks=2, steps=8)


def test_mistakes():
    for wrong, said in (
        ([], "give at least one string"),
        (["a", ""], "string 1 is empty"),
        ([3], "int"),
    ):
        with pytest.raises(ArgumentError, match=said):
            condit.forbid(wrong)
    with pytest.raises(ArgumentError, match="nothing is left of ' '"):
        condit.forbid(" ", look_through="spacing")
    with pytest.raises(ArgumentError, match="has 'leet'"):
        condit.forbid("a", look_through="leet")
    with pytest.raises(UnsatisfiableError):
        (condit.forbid("yes") & condit.choice("yes", "Yes!")).bind(Vocabulary.of_bytes())


def test_joined_with_other_constraints():
    both = condit.forbid("rock") & condit.forbid("roll")
    assert both.strings == ("rock", "roll")
    number = condit.regex("[a-c]{1,3}") & condit.forbid("b", anywhere=True)
    check_matcher(number, Vocabulary.of_bytes(), np.random.default_rng(0), walks=1, steps=3)
    copy = pickle.loads(pickle.dumps(condit.forbid(["rock"])))
    assert not copy.accepts("rock")
    assert copy.bind(Vocabulary.of_bytes()).allows(ord("r"))
