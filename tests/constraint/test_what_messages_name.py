"""Messages name what was given: the parts that exclude each other, the row, the bound."""

import pytest

import condit
from condit.constraint.algebra.plan import plan_for
from condit.errors import ArgumentError, UnsatisfiableError


def test_a_plan_names_the_parts_that_exclude_each_other() -> None:
    apart = (condit.free(until="\n") + condit.integer(0, 130)) & condit.regex(".{0,80}")
    (row,) = plan_for(apart)
    assert row.where == "nowhere"
    assert "both sequence and regex '.{0,80}'" in row.note
    with pytest.raises(UnsatisfiableError, match=r"both sequence and regex '\.\{0,80\}'"):
        apart.bind(condit.Vocabulary.of_bytes())


def test_a_table_names_the_row_that_has_other_fields() -> None:
    table = condit.csv(["name", "age"])
    assert "row 1 does not have 2 fields, but 1" in table.explain("name,age\nAnn")
    assert "its first line does not have 2 fields, but 1" in table.explain("name\nAnn,3")
    assert "row 2 does not" in condit.csv(["a", "b"], header=False).explain("1,2\n3")


def test_a_bound_or_field_that_is_something_else_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"bound 1\.5 is no whole number"):
        condit.integer(1.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"template: x .*condit\.integer"):
        condit.template("{x}", x=int)  # type: ignore[arg-type]
