"""Facts for a bug report: versions, processor, threads, number format, caches, plugins.

No model is loaded. A section that fails has its error in its place, and the others are complete.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from condit.errors import ConditError
from condit.foreign.versions import installed, packages
from condit.plugins import KINDS, find, registered

Section = dict[str, Any]

_FLAGS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "asimd",
    "bf16",
    "sve",
)
"""Instruction sets that choices of Condit, torch or llama.cpp may depend on."""

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ATEN_CPU_CAPABILITY",
    "CONDIT_CACHE",
)


def gather() -> dict[str, Section]:
    """All facts by section; a section that fails is ``{"error": why}``."""
    sections: dict[str, Callable[[], Section]] = {
        "versions": _versions,
        "processor": _processor,
        "torch": _torch,
        "caches": _caches,
        "plugins": _plugins,
        "environment": _environment,
    }
    return {name: _or_error(section) for name, section in sections.items()}


def _or_error(section: Callable[[], Section]) -> Section:
    # Anything may be broken on a machine that somebody reports a bug from.
    try:
        return section()
    except (Exception, SystemExit) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _versions() -> Section:
    from condit import __version__

    found: Section = {
        "condit": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for package in sorted(packages(), key=lambda each: each.name):
        said = package.installed or "not installed"
        if package.supported:
            said += f" (supported: {package.supported})"
        found[package.name] = f"{said}: {package.problem}" if package.problem else said
    return found


def _processor() -> Section:
    from condit.model.memory import available_memory

    model, flags = platform.processor() or "unknown", set[str]()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() in ("flags", "Features"):
                flags = set(value.split())
                break
    except OSError:
        pass
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "model": model,
        "machine": platform.machine(),
        "flags": " ".join(flag for flag in _FLAGS if flag in flags) or "cannot be told here",
        "cores usable": usable,
        "memory available": f"{available_memory() / 2**30:.1f} GiB",
    }


def _torch() -> Section:
    if installed("torch") is None:
        return {"error": "torch is not installed"}
    import torch

    from condit.foreign.torch import accepts_bfloat16, bfloat16, has_packing

    fast, why = bfloat16()
    gpu = torch.cuda.is_available()
    return {
        "threads": torch.get_num_threads(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "dtype of a 16-bit model": f"{'bfloat16' if fast else 'float32'}: {why}",
        "packed weights": _packed(has_packing(), accepts_bfloat16()),
        "reproducible attention": "on a CPU, sums in 64 bits, unless reproducible=False",
        "gpu": torch.cuda.get_device_name() if gpu else "none that torch can use",
    }


def _packed(operators: bool, half: bool) -> str:
    if not operators:
        return "none: this torch lacks the operators"
    return "float32 and bfloat16" if half else "float32"


def _caches() -> Section:
    from condit.model.gguf import cache_directory

    folder = cache_directory()
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    found: Section = {"folder": str(folder), "size": f"{sum(sizes) / 2**20:.0f} MiB"}
    found["models"] = sorted(
        path.name for path in folder.glob("models/*") if (path / "config.json").is_file()
    )
    found["left over"] = sorted(path.name for path in folder.glob("models/.converting-*"))
    point = registered("models").get("smollm2")
    found["default model"] = point.load().status() if point else "not registered"
    return found


def _plugins() -> Section:
    found: Section = {}
    for kind in KINDS:
        names = []
        for name in sorted(registered(kind)):
            try:
                find(kind, name)
                names.append(name + _from_package(registered(kind)[name]))
            except ConditError as error:
                found[f"{kind}: {name}"] = str(error)
        found[kind] = names
    return found


def _from_package(point: EntryPoint) -> str:
    """Which package registers a name, unless it is Condit itself."""
    package = point.dist
    if package is None or package.name == "condit":
        return ""
    return f" ({package.name} {package.version})"


def _environment() -> Section:
    found: Section = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    return {"executable": sys.executable, **found}
