import pytest

from condit.constraint.base import Strength
from condit.constraint.grammar import Grammar, grammar
from condit.errors import (
    ArgumentError,
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)

JSON = r"""
start: value
?value: object | array | ESCAPED_STRING | SIGNED_NUMBER | "true" | "null" -> nothing
array: "[" [value ("," value)*] "]"
object: "{" [pair ("," pair)*] "}"
pair: ESCAPED_STRING ":" value
%import common (ESCAPED_STRING, SIGNED_NUMBER, WS)
%ignore WS
"""
GRAMMARS = [
    'start: "a" start "b" | "ab"',
    'start: start "+" start | /[01]+/',
    'start: "a" start |',
    'start: | "a" "b"?',
    'start: (x | y)*\nx: "a" | "b"\ny: "a" "b"',
    'start: _list{item, ","}\n_list{x, s}: x (s x)*\nitem: "a"~2..3 | "b"i -> other',
    'start: A B?\nA: "a" | "ab"\nB.2: /[01]{2}/\n%ignore " "',
    'start: (C | "x")*\nC: /\\[.*?\\]/\n%ignore /#(.|\\n)*?;/\n%ignore " "',
    'start: "é" | /[à-ü]{2}/ "a/b"',
    'start: A | bad\nA: "a"\nbad: bad "b" | "a" bad',
    r"start: (NAME | /(?!if)[a-z]/)+" + "\n" + r"NAME: /(?!end\b)[d-n]{2,4}/",
    'start: /[[:digit:]--[2-9]]/ /(?i:tr)UE/ "\\n"',
    JSON,
]


@pytest.mark.parametrize("text", GRAMMARS)
def test_laws(obeys, text):
    obeys(grammar(text), walks=3, steps=12)


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        ('start: "a" start "b" | "ab"', ["ab", "aabb"], ["", "aab", "abab"]),
        ("start: A\nA: /a|ab/", ["a", "ab"], ["b"]),
        ('start: /".*?"/+', ['"a"', '"a""b"'], ['"', '"a"b"']),
        (
            "start: ESCAPED_STRING\n%import common.ESCAPED_STRING",
            ['"a"', r'"a\"b"', '""', r'"\\"'],
            ['"a"b"', r'"a\"', '"\n"'],
        ),
        (
            'start: KEY "1"\nKEY: ESCAPED_STRING ":"\n%import common.ESCAPED_STRING',
            ['"a":1'],
            ['"a"b":1'],
        ),
        ('start: "a" "b"\n%ignore " "', ["ab", " a b ", "  ab"], ["a", " "]),
        ('start: "a"?\n%ignore " "', ["", "a", " a "], ["aa"]),
        ('start: "a" /\\d/\n%ignore /\\/\\*(.|\\n)*?\\*\\//', ["a1", "/**/a/*\n*/1"], ["a/*1"]),
        ('start: "x"i', ["x", "X"], ["y"]),
        ('start: "ß"i', ["ß", "ẞ"], ["ss"]),
        (r"start: /(?!(?:if|else)\b)[a-z]\w*/", ["iff", "i", "else_"], ["if", "else", "1"]),
        ('start: (A | "ab")+\nA: /(?!ab)[a-c]/', ["aab", "cab", "bb"], ["d"]),
        (r"start: /\/\*(?:(?!\*\/).)*\*\//s+", ["/***/", "/*\n*//* * */"], ["/*/", "/**/*/"]),
        ("start: /(?=.*[0-9])[a-z0-9]{3,5}/ /(?>-|-a)c/", ["ab1-c"], ["abc-c", "ab1-ac"]),
        ("start: S+\nS: /(['\"])(?:(?!\\1).)*\\1/", ['"a\'"', '\'"\'""'], ["\"a'", "'\""]),
        ('start: A "c"\nA: /[ab]++(?<=a)/', ["aac", "bac"], ["abc", "c"]),
        ("start: A A?\nA: /a.*?b(?<!bb)/", ["ab", "aab", "abacb"], ["abb"]),
        ("start: A\nA: /(?:ab){e<=1}/", ["a", "ab", "axb"], ["xy"]),
        ("start: A\nA: /(?x) a b /", ["ab"], ["a b"]),
    ],
)
def test_engine_and_oracle_read_a_grammar_alike(writes, text, accepted, refused):
    constraint = grammar(text)
    for each in accepted:
        assert constraint.explain(each) == ""
        assert writes(constraint, each), each
    for each in refused:
        assert not constraint.accepts(each)
        assert not writes(constraint, each), each


def test_terminals_are_greedy_by_convention(writes):
    constraint = grammar("start: A B\nA: /a+/\nB: /ab/")
    assert not constraint.accepts("aab")
    assert not writes(constraint, "aab")


def test_strength(by_byte, overlapping):
    single = grammar('start: "a" start "b" | /[01]/')
    assert single.bind(by_byte).strength is Strength.EXACT
    assert single.bind(overlapping).strength is Strength.SOUND
    assert grammar("start: /[01]+/").bind(by_byte).strength is Strength.SOUND


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ('start: "a', "Unexpected input at line 1 column 8", 7),
        ('start: "a"\nx y', "line 2", None),
        ("start: foo", "'foo' used but not defined", 7),
        ('start: "foo" foos foo\nfoos: A\nA: "a"', "'foo' used but not defined", 18),
        ('other: "a"', "there is no rule 'start' to start with", None),
        ("start: A\n%declare A", "declares terminal A without saying", None),
        ("start: A\nA: /a*/", "terminal A matches the empty text", None),
        ("start: A\nA: /(?>a?)/", "terminal A matches the empty text", None),
        ('start: A\nA: /b/ | "x" /a(/', "terminal .*missing", 25),
        ("start: A\nA: /[/", "terminal A .*unterminated character set", 14),
        ('start: A\nA: "x" /(/', "terminal A .*missing", 18),
        ('start: A\nA: B "a"\nB: A', "Recursion in terminal", None),
        ("%import nowhere.x\nstart: x", "%import finds no", None),
        ("start: %json {}", "Extensions of other dialects", 7),
        ("start: x\nx[lazy]: /a/", "Extensions of other dialects", 10),
        ('start: "a"\nstart: "b"', "defined more than once", None),
        ("", "there is no rule 'start'", None),
    ],
)
def test_what_does_not_parse(text, reason, position):
    with pytest.raises(CompileError, match=reason) as info:
        grammar(text)
    assert "\n" not in str(info.value)
    if position is not None:
        assert info.value.position == position


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("start: A\nA: /(?<=x)a/", "terminal A uses lookbehind, .*what stands before", 13),
        ("start: /a(?!b)/", "uses negative lookahead, .*what stands after", 9),
        ('start: X A\nX: /a/\nA: "x" /a(?!b)/', "what stands after", 27),
        ("start: A\nA: /^a/", "terminal A uses an anchor, .*line 2, column 5", 13),
        ("start: A\nA: /if\\b/", "a word boundary, .*what stands after", 15),
        ('start: A\nA: "x" /(.)\\1/', "a backreference, .*cannot follow", 20),
        ("start: A\nA: /\\((?R)?\\)/", "recursion, .*cannot follow", 15),
        ("start: /a/il", "terminal /a/ has the flag 'l'", None),
        ("start: A\nA: /a*?b*/", "terminal A mixes lazy and greedy", None),
    ],
)
def test_unsupported_terminals_are_named(text, reason, position):
    with pytest.raises(UnsupportedConstraintError, match=reason) as info:
        grammar(text)
    assert info.value.keywords
    assert info.value.position == position


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('start: "a" start', "leads back to itself"),
        ("start: x\nx: y\ny: x", "leads back to itself"),
        ("start: /[a&&b]/", "matches no text"),
    ],
)
def test_unsatisfiable(text, reason):
    with pytest.raises(UnsatisfiableError, match=reason):
        grammar(text)


def test_deep_grammars_do_not_crash(monkeypatch):
    monkeypatch.setattr("condit.constraint.nesting._MOST", 100)
    chain = "\n".join(f'r{depth}: "a" | r{depth + 1} "a"' for depth in range(150))
    with pytest.raises(ConstraintTooComplexError, match="lead to one another 152 deep"):
        grammar(f'start: r0\n{chain}\nr150: "b"')
    with pytest.raises(ConstraintTooComplexError, match="nests too many groups"):
        grammar("root ::= " + "(" * 400 + '"a"' + ")" * 400)


def test_start_and_syntax():
    assert grammar('top: "a"', start="top").accepts("a")
    assert grammar('top ::= "a"', start="top").accepts("a")
    assert grammar('start: "::="').accepts("::=")
    assert grammar('start: "a"', syntax="lark") == Grammar('start: "a"', "start", "lark")
    with pytest.raises(ArgumentError, match="use 'lark' or 'gbnf'"):
        grammar('start: "a"', syntax="bnf")
    with pytest.raises(ArgumentError, match="is int, not str"):
        grammar(3)


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ('{"a": x}', 6, "'x' is unexpected; expected '[', 'null', 'true', '{', ESCAPED_STRING"),
        ("[1, 2", 5, "the text ends too soon; expected ',', ']'"),
        ("[] x", 3, "'x' is unexpected; the text should have ended here"),
        ("", 0, "the text ends too soon"),
    ],
)
def test_violation(text, position, reason):
    violation = grammar(JSON).violation(text)
    assert reason in violation.reason
    assert violation.position == position


def test_a_long_list_of_expectations_is_cut():
    text = "start: " + " | ".join(f'"{letter}"' for letter in "abcdefghijklm")
    assert "'h' and 5 more" in grammar(text).violation("z").reason


def test_a_grammar_is_a_value():
    assert grammar(JSON) == grammar(JSON)
    assert hash(grammar(JSON)) == hash(grammar(JSON))
    assert grammar(JSON).value("[]") is None


def test_copies_of_an_ambiguous_grammar_agree(by_byte):
    matcher = grammar('start: start start | "a" | "aa"').bind(by_byte)
    for _ in range(30):
        matcher.advance(97)
    assert matcher.allows(by_byte.end)
    assert matcher.copy().allows(97)
