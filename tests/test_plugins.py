from __future__ import annotations

import pytest

from condit.errors import UnknownNameError
from condit.plugins import find, registered, unknown


def test_the_built_ins_are_registered_like_anything_else() -> None:
    assert {"smollm2", "ngram"} <= set(registered("models"))
    assert {"masked", "awrs", "smc"} <= set(registered("samplers"))


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no sampler is called 'smcc'; did you mean 'smc'\?"
    ):
        find("samplers", "smcc")


def test_nothing_near_lists_what_there_is() -> None:
    assert unknown("thing", "zzz", ["b", "a"]) == "no thing is called 'zzz' (known: a, b)"
