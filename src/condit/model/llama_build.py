"""Whether the installed llama.cpp can be run on this processor, found out in another process.

llama-cpp-python is built where it is installed, for the processor of that machine. A build that is
carried to another one (in a wheel that pip has cached, in an image, in a shared home directory)
crashes the process by an illegal instruction at the first decode. So the first decode is tried in a
child process, once for each build, processor and file, and the outcome is kept in a file.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from condit.errors import MissingDependencyError, ModelError
from condit.foreign.llama_cpp import PACKAGE
from condit.foreign.versions import incompatible
from condit.model.gguf import cache_directory
from condit.model.llama_probe import NOT_TRIED, WRONG_LOGITS

INSTALL = "pip install 'condit[llama]'"

REBUILD = (
    'CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --force-reinstall --no-cache-dir --no-deps '
    "--no-binary llama-cpp-python llama-cpp-python"
)

_TIMEOUT = 600
"""Seconds for the child, which loads the file and decodes 81 positions."""

_CRASHES = ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGTRAP")
"""Signals that mean a bad build. (SIGABRT does not: llama.cpp then gives a reason.)"""


def require_llama() -> None:
    """Raise `MissingDependencyError` with the install command unless llama_cpp is installed."""
    if importlib.util.find_spec("llama_cpp") is None:
        raise MissingDependencyError(
            f"the llama backend needs llama-cpp-python, which is not installed: {INSTALL}"
        )


def require_sound_build(path: Path) -> None:
    """Raise `ModelError` if llama.cpp crashes on this processor, or its logits are wrong.

    Args:
        path: the model to try it with: which kernels run depends on the kind of its weights.
    """
    if not sys.executable:
        return  # embedded in another program: there is no Python to start
    kept = _verdict_file(path)
    try:
        verdict = kept.read_text()
    except OSError:
        verdict = _try(path)
        if verdict == "not tried":
            return  # loading it will raise an error that says why
        _keep(kept, verdict)
    if verdict == "sound":
        return
    if verdict == "wrong logits":
        raise ModelError(
            f"llama.cpp computes nonsense for {path}: either its weights are damaged, or the "
            f"installed build is broken; to build it again for any processor: {REBUILD}"
        )
    raise ModelError(
        f"the installed llama.cpp does not run on this processor ({verdict} in a decode, in a "
        f"child process): it was built for another one, so build it again here: {REBUILD}"
    )


def _try(path: Path) -> str:
    """Decode in a child process: "sound", "not tried", "wrong logits", or a signal's name."""
    # -P: the child must not find the modules beside the script, llama_cpp.py among them.
    command = [sys.executable, "-P", str(Path(__file__).with_name("llama_probe.py")), str(path)]
    # Without this, llama.cpp starts a debugger on itself when it aborts.
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"llama.cpp did not decode 81 positions of {path} in {_TIMEOUT} seconds"
        ) from error
    status = child.returncode
    if status == 0:
        return "sound"
    if status == NOT_TRIED:
        return "not tried"
    if status == WRONG_LOGITS:
        return "wrong logits"
    if status < 0 and signal.Signals(-status).name in _CRASHES:
        return signal.Signals(-status).name
    last = child.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
    if last[0].startswith(("AttributeError: ", "TypeError: ", "ImportError: cannot import name")):
        raise incompatible(PACKAGE, last[0].partition(": ")[2])
    raise ModelError(f"llama.cpp cannot run {path} (it ended with status {status}): {last[0]}")


def _verdict_file(path: Path) -> Path:
    """Where the verdict on this build, processor and file is kept."""
    status = path.stat()
    identity = [
        importlib.metadata.version("llama-cpp-python"),
        [[str(library), *_stamp(library)] for library in _libraries()],
        _processor(),
        [str(path.resolve()), status.st_size, status.st_mtime_ns],
    ]
    key = hashlib.blake2b(json.dumps(identity).encode(), digest_size=8).hexdigest()
    return cache_directory() / "llama" / key


def _libraries() -> list[Path]:
    """The files of llama.cpp's build, found without importing it, which might crash."""
    chosen = os.environ.get("LLAMA_CPP_LIB_PATH")
    if chosen:
        return sorted(Path(chosen).iterdir())
    package = importlib.util.find_spec("llama_cpp")
    folders = package.submodule_search_locations if package else None
    return sorted(file for folder in folders or () for file in (Path(folder) / "lib").glob("*"))


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _processor() -> str:
    """The processor's name and the instruction sets that it (or its emulator) reports."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = ("model name", "flags", "Features")
    return "\n".join(sorted({line for line in lines if line.startswith(told)}))


def _keep(file: Path, verdict: str) -> None:
    """Write a verdict to a temporary file and rename it: nobody reads it half written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "w") as stream:
        stream.write(verdict)
    os.replace(temporary, file)
