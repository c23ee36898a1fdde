import pytest

from condit.constraint.nesting import refuse_deep
from condit.errors import ConstraintTooComplexError


def test_cycles_and_shallow_definitions_pass():
    refuse_deep({"a": ["b", "a"], "b": ["a", "c"]}, "a", "rules")
    refuse_deep({str(n): [] for n in range(5000)} | {"a": [str(n) for n in range(5000)]}, "a", "")


@pytest.mark.parametrize("decoys", [["z"], []])
def test_a_long_chain_is_refused(decoys):
    chain = {str(n): [*decoys, str(n + 1), *decoys] for n in range(900)}
    with pytest.raises(ConstraintTooComplexError, match="rules lead to one another 901 deep"):
        refuse_deep(chain, "0", "rules")
