"""Schemas made to hang, to crash or to fill the memory: each compiles or is refused, in time.

The cases run in child processes: a crash of native code would end the tests, and nothing in the
same process can stop it when it hangs.
"""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

# More than any case needs here by far; the machine may be busy.
MOST_SECONDS = 60
MOST_MEMORY = 4 << 30

# Compiles each schema, walks one text along the mask, and says how it went.
CHILD = f"""
import json, resource, sys, time
time.monotonic = time.process_time  # a deadline passes no sooner beside other work
resource.setrlimit(resource.RLIMIT_CPU, ({MOST_SECONDS}, {MOST_SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({MOST_MEMORY}, {MOST_MEMORY}))
import condit
from condit.constraint.base import unpack
from condit.errors import ConditError
from condit.vocabulary import Vocabulary

vocabulary = Vocabulary.of_bytes()
for line in sys.stdin:
    name, schema = json.loads(line)
    started = time.process_time()
    try:
        constraint = condit.json_schema(schema)
        matcher = constraint.bind(vocabulary)
        for _ in range(12):
            allowed = unpack(matcher.mask(), len(vocabulary)).nonzero()[0].tolist()
            if not allowed or allowed[-1] == vocabulary.end:
                break
            matcher.advance(allowed[-1])
        for text in ('1', '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"', '{{"a": {{"a": 1}}}}', '[[[1]]]'):
            constraint.accepts(text)
        outcome = "compiles"
    except ConditError as error:
        outcome = type(error).__name__
    print(json.dumps([name, outcome, time.process_time() - started]), flush=True)
"""


def nested(keyword, depth, leaf):
    return f'{{"{keyword}": ' * depth + json.dumps(leaf) + "}" * depth


def nested_list(keyword, depth):
    return f'{{"{keyword}": [' * depth + '{"type": "integer"}' + "]}" * depth


def ladder(depth, step: Callable[[str], dict]):
    """Definitions, each made from a reference to the next."""
    definitions = {f"a{i}": step(f"#/$defs/a{i + 1}") for i in range(depth)}
    return {"$defs": {**definitions, f"a{depth}": {"type": "null"}}, "$ref": "#/$defs/a0"}


def all_of(count, part: Callable[[int], dict]):
    return {"allOf": [part(i) for i in range(count)]}


def digits(count):
    return '{"type": "integer", "minimum": ' + "9" * count + "}"


COMPILE = {
    "refers to itself": {"$ref": "#"},
    "everything but itself": {"anyOf": [{"$ref": "#"}, {"type": "object"}]},
    "nested": nested("items", 100, True),
    "conditions": all_of(
        12,
        lambda i: {
            "if": {"properties": {f"p{i}": {"const": 1}}, "required": [f"p{i}"]},
            "then": {"required": [f"q{i}"]},
        },
    ),
    "alternatives of numbers": {
        "type": "integer",
        **all_of(20, lambda i: {"anyOf": [{"multipleOf": 2 + i}, {"multipleOf": 50 + i}]}),
    },
    "alternatives of strings": {
        "type": "string",
        **all_of(20, lambda i: {"anyOf": [{"pattern": f"^{i}"}, {"maxLength": i}]}),
    },
    "alternatives of one key": all_of(
        20, lambda i: {"properties": {"a": {"anyOf": [{"pattern": f"{i}a"}, {"pattern": "b"}]}}}
    ),
    "many divisors": all_of(200, lambda i: {"multipleOf": 10**9 + 2 * i + 1}),
    "tiny divisor": {"type": "number", "multipleOf": 1e-300},
    "large divisor": {"type": "number", "multipleOf": 1e300},
    "many digits": digits(4000),
    "huge enum": {"enum": [f"value {i}" for i in range(5_000)]},
    "huge enum of objects": {"enum": [{"a": [i, i]} for i in range(1_000)]},
    "many keys": {"properties": {f"p{i}": {"type": "integer"} for i in range(1_000)}},
    "long description": {"description": "x" * 5_000_000, "type": "null"},
    "long array": {"type": "array", "minItems": 10**18, "items": {"enum": [1, 2]}},
    "backtracks": {"type": "string", "pattern": "^(a+)+$"},
    "backtracks with lookahead": {"type": "string", "pattern": "^(?=(a*)*b?)(a|aa)*$"},
    "names with repeats": {"patternProperties": {"^(a{1,30}){1,30}$": {"type": "null"}}},
}
# Nobody could write these: to refuse them is as good.
EITHER = {
    "long string": {"type": "string", "minLength": 10**18},
    "long names": {"minProperties": 10**18, "type": "object"},
}
REFUSED = {
    "nested too deeply": (nested("items", 100_000, True), "ConstraintTooComplexError"),
    "negated too deeply": (nested("not", 5_000, {"type": "null"}), "ConstraintTooComplexError"),
    "alternatives nested": (nested_list("anyOf", 5_000), "ConstraintTooComplexError"),
    "a long chain": (ladder(10_000, lambda on: {"$ref": on}), "ConstraintTooComplexError"),
    "ways that double": (
        ladder(60, lambda on: {"anyOf": [{"$ref": on}, {"$ref": on}]}),
        "ConstraintTooComplexError",
    ),
    "conjunctions that double": (
        ladder(60, lambda on: {"allOf": [{"$ref": on}, {"$ref": on}]}),
        "ConstraintTooComplexError",
    ),
    "repeats of repeats": ({"pattern": "((a{1,999}){1,999}){1,999}"}, "ConstraintTooComplexError"),
    "parentheses": ({"pattern": "(" * 50_000 + "a" + ")" * 50_000}, "ConstraintTooComplexError"),
    "too many digits": (digits(10_000), "CompileError"),
    "too large a number": ('{"maximum": 1e999999999}', "CompileError"),
    "endless values": (
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
        "UnsatisfiableError",
    ),
    "more items than there are values": (
        {"type": "array", "minItems": 10**9, "items": {"enum": [1, 2]}, "uniqueItems": True},
        "UnsatisfiableError",
    ),
}


@pytest.fixture(scope="module")
def outcomes():
    """What became of each schema: one child for all of them, as starting one takes a second."""
    cases = {**COMPILE, **EITHER, **{name: schema for name, (schema, _) in REFUSED.items()}}
    lines = "".join(json.dumps(case) + "\n" for case in cases.items())
    run = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=lines,
        capture_output=True,
        text=True,
        timeout=2 * MOST_SECONDS,
        check=False,
    )
    told = [json.loads(line) for line in run.stdout.splitlines()]
    unfinished = list(cases)[len(told) : len(told) + 1]
    assert run.returncode == 0, f"the process ended at {unfinished}: {run.stderr[-2000:]}"
    return {name: (outcome, seconds) for name, outcome, seconds in told}


@pytest.mark.parametrize("name", COMPILE)
def test_compiles(outcomes, name):
    assert outcomes[name][0] == "compiles"


@pytest.mark.parametrize("name", EITHER)
def test_compiles_or_is_refused(outcomes, name):
    assert outcomes[name][0] in ("compiles", "ConstraintTooComplexError")


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(outcomes, name):
    assert outcomes[name][0] == REFUSED[name][1]


@pytest.mark.parametrize("name", [*COMPILE, *EITHER, *REFUSED])
def test_in_time(outcomes, name):
    # In seconds of this processor; each takes a tenth of that or less.
    assert outcomes[name][1] < 10
