import threading

import pytest

from condit.constraint.base import Strength, Violation, unpack
from condit.constraint.engine import HEADER, EngineMatcher, first_paragraph, probe
from condit.constraint.regex import regex
from condit.errors import ConstraintTooComplexError, RefusedTokenError, VocabularyError
from condit.testing import check_every_spelling
from condit.vocabulary import Vocabulary


def allowed(matcher):
    return unpack(matcher.mask(), len(matcher.vocabulary)).nonzero()[0].tolist()


def walk(matcher, text):
    for value in text.encode():
        matcher.advance(value)
    return matcher


def test_probe_sees_the_first_step():
    probed = probe(HEADER + "start: /[ab]?/")
    assert probed.first_bytes == frozenset(b"ab")
    assert probed.accepts_empty
    assert not probed.is_empty
    assert not probed.error


def test_probe_reports_an_error_without_the_engine_s_state():
    probed = probe(HEADER + "start: nothing")
    assert "unknown name" in probed.error
    assert not probed.is_empty


def test_first_paragraph_drops_the_dump():
    assert first_paragraph("too big\n<state>\nTokens: 3\n</state>") == "too big"
    assert first_paragraph("too big\n<non-verbose/>") == "too big"


def test_mask_holds_every_spelling_of_forced_bytes(overlapping):
    # The engine's own mask would keep the canonical token only.
    matcher = regex("abc").bind(overlapping)
    assert [overlapping.bytes[token] for token in allowed(matcher)] == [b"a", b"ab", b"a", b"abc"]
    check_every_spelling(regex("abcabc"), overlapping, "abcabc")


def test_duplicate_tokens_are_allowed_alike(overlapping):
    matcher = regex("a").bind(overlapping)
    assert allowed(matcher) == [0, 4]


@pytest.mark.parametrize("token", [-1, 45, 10**9, 8, 43, 44, 1])
def test_refusing_a_token_changes_nothing(overlapping, token):
    matcher = regex("ab+c").bind(overlapping)
    before = allowed(matcher)
    assert not matcher.allows(token)
    with pytest.raises(RefusedTokenError, match=r"."):
        matcher.advance(token)
    assert allowed(matcher) == before
    matcher.advance(0)
    assert matcher.allows(1)


def test_the_end_is_not_allowed_before_acceptance(by_byte):
    matcher = regex("a{2,3}").bind(by_byte)
    matcher.advance(ord("a"))
    assert not matcher.allows(by_byte.end)
    assert by_byte.end not in allowed(matcher)
    matcher.advance(ord("a"))
    assert allowed(matcher) == [ord("a"), by_byte.end]
    assert matcher.cost_to_finish() == 0


def test_nothing_is_allowed_after_the_end(by_byte):
    matcher = regex("a*").bind(by_byte)
    matcher.advance(by_byte.end)
    for state in (matcher, matcher.copy()):
        assert allowed(state) == []
        assert not state.allows(by_byte.end)
        assert state.forced() == ()
        assert state.cost_to_finish() is None
        assert state.explain(97) == "the text has ended: nothing may follow"
    with pytest.raises(RefusedTokenError, match="has ended"):
        matcher.advance(by_byte.end)


def test_only_one_end_token_counts(overlapping):
    matcher = regex("a*").bind(overlapping)
    assert matcher.allows(44)
    assert not matcher.allows(43)
    assert matcher.explain(43) == "token 43 is another end token: the one to use is 44"


def test_copies_are_independent(by_byte):
    one = regex("[ab]{3}").bind(by_byte)
    one.advance(97)
    other = one.copy()
    walk(one, "bb")
    assert allowed(one) == [256]
    assert allowed(other) == [97, 98]
    assert "'a'" in other.explain(120)


def test_forced_follows_bytes_and_may_end(by_byte):
    matcher = regex("[xy]abc").bind(by_byte)
    assert matcher.forced() == ()
    matcher.advance(ord("x"))
    assert matcher.forced() == (97, 98, 99, 256)
    assert allowed(matcher) == [97]


def test_forced_bytes_with_two_spellings_are_not_forced_tokens(overlapping):
    assert regex("ab").bind(overlapping).forced() == ()
    assert regex("1").bind(overlapping).forced() == (10, 44)


def test_a_dead_end_refuses_everything_quietly():
    lacking = Vocabulary.of(["a", "b"])
    matcher = regex("abc|ba").bind(lacking)
    assert matcher.strength is Strength.SOUND
    matcher.advance(0)
    matcher.advance(1)
    for state in (matcher, matcher.copy()):
        assert allowed(state) == []
        assert not state.allows(0)
        assert not state.allows(2)
        assert "no token of this vocabulary can continue it" in state.explain(0)


def test_a_vocabulary_that_cannot_begin_is_refused():
    with pytest.raises(VocabularyError, match=r"may begin with 'x' or 'y', but no token does"):
        regex("[xy]a").bind(Vocabulary.of(["a", "b"]))
    assert regex("(xa)?").bind(Vocabulary.of(["a", "b"])).allows(2)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (ord("d"), "'d' cannot follow 'ab'; here the text may continue with a digit or '-'"),
        (256, "the text cannot stop after 'ab'; here the text may continue with a digit or '-'"),
        (300, "token 300 is outside the vocabulary of 257 tokens"),
        (ord("1"), ""),
    ],
)
def test_explain(by_byte, token, expected):
    assert walk(regex("ab[0-9-]").bind(by_byte), "ab").explain(token) == expected


def test_explain_where_only_the_end_is_left(by_byte, overlapping):
    assert walk(regex("a").bind(by_byte), "a").explain(97).endswith("here the text can only stop")
    assert regex("a").bind(overlapping).explain(8).endswith("it is a special or unused id")


def test_an_objection_holds_back_the_end(by_byte):
    asked = []

    def objection(text):
        asked.append(text)
        return None if len(text) % 2 == 0 else Violation("odd", 0)

    matcher = EngineMatcher.bind(HEADER + "start: /a+/", by_byte, objection=objection)
    matcher.advance(97)
    assert not matcher.allows(256)
    assert allowed(matcher) == [97]
    assert matcher.explain(256).startswith("the text cannot stop here: at character 0: odd;")
    twin = matcher.copy()
    assert not twin.allows(256)
    assert asked == ["a"]
    matcher.advance(97)
    assert matcher.allows(256)
    assert not twin.allows(256)
    assert asked == ["a", "aa"]


@pytest.mark.slow
def test_limits_of_the_engine_are_an_error_with_a_way_out(by_byte):
    matcher = regex("(?:(?:[a-z]{1,100}){1,100}){1,100}x").bind(by_byte)

    def write_on():
        for _ in range(500):
            matcher.advance(ord("a"))
            matcher.mask()

    with pytest.raises(ConstraintTooComplexError, match=r"too complex for .* simpler") as info:
        write_on()
    assert "\n" not in str(info.value)
    with pytest.raises(ConstraintTooComplexError):
        matcher.allows(97)


def test_a_grammar_beyond_the_limits_is_refused_at_bind(by_byte):
    with pytest.raises(ConstraintTooComplexError, match="unknown name"):
        EngineMatcher.bind(HEADER + "start: nothing", by_byte)


def test_one_matcher_may_be_used_by_several_threads(by_byte):
    matcher = regex("(?:[a-z]+ ){1,50}").bind(by_byte)
    matcher.advance(97)
    expected = allowed(matcher)
    failures = []

    def work():
        try:
            for _ in range(60):
                assert allowed(matcher) == expected
                assert matcher.allows(98)
                walk(matcher.copy(), "bcd ")
                matcher.forced()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_generations_do_not_share_lexer_states(by_byte):
    # A root kept for ever would run into the engine's limit on states.
    constraint = regex(r"(?:\w{3,9} ){1,9}")
    first = constraint.bind(by_byte)
    walk(first, "abc abc")
    assert allowed(constraint.bind(by_byte)) == allowed(constraint.bind(by_byte))
