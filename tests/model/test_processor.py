"""The number format is chosen by what the processor has; each branch is tried on any machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from condit.foreign.torch import OPERATORS, accepts_bfloat16, bfloat16, has_packing

CHOOSE = "from condit.foreign.torch import bfloat16; print(*bfloat16())"


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["AVX2", "AVX512_CORE", "AVX512_CORE_VNNI"])
def test_no_bfloat16_where_it_would_be_emulated(limit: str) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("instruction sets of x86")
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": limit}
    said = subprocess.run(
        [sys.executable, "-c", CHOOSE], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("False ")


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize("probe", ["_is_amx_tile_supported", "_is_avx512_bf16_supported"])
def test_bfloat16_where_a_flag_says_so(
    monkeypatch: pytest.MonkeyPatch, probe: str, has: bool
) -> None:
    monkeypatch.setattr("condit.foreign.torch.accepts_bfloat16", lambda: True)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.delenv("DNNL_MAX_CPU_ISA", raising=False)
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: has and name == probe, raising=False)
    assert bfloat16()[0] is has


def test_a_torch_without_the_flags_gets_the_format_that_is_always_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("condit.foreign.torch.accepts_bfloat16", lambda: True)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert not bfloat16()[0]


def test_a_torch_without_the_operators_packs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("condit.foreign.torch.OPERATORS", (*OPERATORS, "no_such_operator"))
    assert not has_packing()
    assert not accepts_bfloat16()
    assert not bfloat16()[0]
