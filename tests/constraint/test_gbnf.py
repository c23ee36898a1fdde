import time

import pytest

from condit.constraint.base import Strength
from condit.constraint.grammar import grammar
from condit.errors import CompileError, UnsatisfiableError

ARITHMETIC = r"""
# from llama.cpp
root  ::= (expr "=" term "\n")+
expr  ::= term ([-+*/] term)*
term  ::= num | "(" expr ")"
num   ::= [0-9]+
"""
JSON = r"""
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws

# Optional space: by convention, applied in this grammar after literal chars when allowed
ws ::= | " " | "\n" [ \t]{0,20}
"""
GRAMMARS = [
    ARITHMETIC,
    JSON,
    'root ::= "if" [a-z]* | "i" "f"? "\\u00e9" . [^a-z\\]]{2,}',
    'root ::= a-b{2,3} | A_b*\na-b ::= [-a]\nA_b ::= "x" | [^]',
    'root ::= root "a" | "b" () | bad\nbad ::= bad "x"',
    r'root ::= "\x41\u00e9\U0001F600\t\"\\\[" | [\]\-^a\n "]{3} | "" | [a\-c]',
    'root ::= ("a" | "b"? "c"){2} [0-1]{,3} ("")* [a]{0} "b"{0,0} "c"{1,}',
]


@pytest.mark.parametrize("text", GRAMMARS)
def test_laws(obeys, by_byte, text):
    constraint = grammar(text)
    obeys(constraint, walks=3, steps=12)
    assert constraint.bind(by_byte).strength is Strength.EXACT


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        (ARITHMETIC, ["1+2=3\n", "(1)=2\n3=4\n"], ["1+2=3", "=\n"]),
        (JSON, ['{"a": [1, -2.5e3, null]}', "{}", '{"\\u00e9": "é"}'], ['{"a"}', "[]", "{'a':1}"]),
        ('root ::= "if" | [a-z]+ "!"', ["if", "if!", "i!"], ["i"]),
        ('root ::= [a-z]+ "ab"', ["xab", "abab"], ["ab"]),
        ("root ::= .", ["a", "\n", "é", "😀"], ["", "ab"]),
        ("root ::= [^ab]", ["c", "\n"], ["a", ""]),
        ('root ::= "a"{2,4}', ["aa", "aaa", "aaaa"], ["a", "aaaaa"]),
        ('root ::= "a"{3}', ["aaa"], ["aa", "aaaa"]),
        ('root ::= "a"{ , 2 } "b"', ["b", "aab"], ["aaab"]),
        ('root ::= ("ab"){2,}', ["abab", "ababab"], ["ab", "aba"]),
        (r"root ::= [\x41-\x43\]]", ["A", "]"], ["D", "\\"]),
        ("root ::= [!-/:-@[-`{-~]", list("!\"#$%&'()*+,-./:;<=>?@[\\^_`{|}~"), ["a", "]]"]),
        ('root ::= a-b A-b\na-b ::= "1"\nA-b ::= "2"', ["12"], ["21", "11"]),
        ('root ::= "a" |\n  "b"\n  | "c"\n', ["a", "b", "c"], ["ab"]),
        ('root ::= x\nx ::=\n "a"#comment ::= "b"\n', ["a"], ["b"]),
    ],
)
def test_meaning(writes, text, accepted, refused):
    constraint = grammar(text)
    for each in accepted:
        assert constraint.explain(each) == ""
        assert writes(constraint, each), each
    for each in refused:
        assert not constraint.accepts(each)
        assert not writes(constraint, each), each


@pytest.mark.parametrize("count", range(12))
def test_every_bounded_repeat(count, writes):
    constraint = grammar(f'root ::= "a"{{1,{count + 1}}}')
    accepted = [length for length in range(15) if constraint.accepts("a" * length)]
    assert accepted == list(range(1, count + 2))
    assert writes(constraint, "a" * (count + 1))


def test_large_repeats_are_quick(writes):
    begun = time.process_time()
    assert writes(grammar('root ::= "a"{300} "b"{0,3000}'), "a" * 300 + "b" * 20)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ('root ::= "a', "unexpected '\"'", (1, 10)),
        ("root ::= foo", "rule 'foo' is not defined", (1, 10)),
        ('root ::= "a"\nx ::= [z-a]', "the range z-a is the wrong way round", (2, 7)),
        ('root ::= "a" )', r"unexpected '\)'", (1, 14)),
        ("root ::= (", "it ends in the middle of a rule", (1, 11)),
        (r'root ::= "a\q"', "is no escape", (1, 12)),
        (r'root ::= "\ud800"', "is not a character", (1, 11)),
        ('root ::= "a"{3,2}', r"'\{3,2\}' is no repeat", (1, 13)),
        ('root ::= "a"{}', r"'\{\}' is no repeat", (1, 13)),
        ("root ::= []", "the class is empty", (1, 10)),
        ('root := "a"', "unexpected", (1, 1)),
        ("root ::= <token>", "unexpected '<'", (1, 10)),
    ],
)
def test_what_does_not_parse_is_placed(text, reason, place):
    with pytest.raises(CompileError, match=reason) as info:
        grammar(text, syntax="gbnf")
    line, column = place
    assert str(info.value).endswith(f"at line {line}, column {column}")
    before = text.split("\n")[: line - 1]
    assert info.value.position == sum(len(each) + 1 for each in before) + column - 1


def test_no_root():
    with pytest.raises(CompileError, match="has no rule 'root' to start with; it has a, b"):
        grammar('b ::= "x"\na ::= "y"')


def test_unsatisfiable():
    with pytest.raises(UnsatisfiableError, match="leads back to itself"):
        grammar('root ::= "a" root')


def test_violation():
    violation = grammar(ARITHMETIC).violation("1+x=2\n")
    assert violation.position == 2
    assert violation.reason == "'x' is unexpected; expected '(', /[0-9]/"
