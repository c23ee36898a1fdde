"""What torch says about the processor: flags, and no measured times.

So a machine chooses the same number format each time, and the same seed gives the same draws.
Where torch cannot tell, the answer is the one that is right on any processor.
"""

from __future__ import annotations

import os
import platform

OPERATORS = ("_reorder_linear_weight", "_linear_pointwise", "_is_mkldnn_bf16_supported")
"""What `condit.model.packed` needs of ``torch.ops.mkldnn``."""

_WITHOUT_BFLOAT16 = ("AVX512_CORE", "AVX512_CORE_VNNI")
"""Instruction sets in which oneDNN accepts bfloat16, but has to emulate it."""


def has_packing() -> bool:
    """Whether torch has the operators that reorder weights."""
    import torch

    return all(hasattr(torch.ops.mkldnn, name) for name in OPERATORS)


def accepts_bfloat16() -> bool:
    """Whether oneDNN computes with bfloat16 here at all, fast or not."""
    import torch

    return has_packing() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def bfloat16() -> tuple[bool, str]:
    """Whether this processor computes faster with bfloat16 than with 32-bit floats, and why.

    That oneDNN accepts it is not enough: with AVX-512 alone it emulates. A forward of 4 rows of
    SmolLM2 on one core then took 88 ms, and 47 ms with 32-bit floats; with instructions for
    bfloat16 37 and 50 ms.
    """
    import torch

    if not accepts_bfloat16():
        return False, "oneDNN does not compute with bfloat16 on this processor"
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True, "oneDNN computes with bfloat16 on this processor"
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    if limit.upper() in _WITHOUT_BFLOAT16:
        return False, f"ONEDNN_MAX_CPU_ISA={limit} excludes the instructions for bfloat16"
    for name, what in (("_is_amx_tile_supported", "AMX"), ("_is_avx512_bf16_supported", "AVX-512")):
        probe = getattr(torch.cpu, name, None)
        if probe is not None and probe():
            return True, f"the processor has {what} instructions for bfloat16"
    return False, "the processor has no instructions for bfloat16: oneDNN would emulate it"
