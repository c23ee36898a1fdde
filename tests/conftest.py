"""What several tests share: the embedded model, loaded once, and small tokenizers made here."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

# Before torch is imported: two threads on a shared machine are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import condit

# scripts/compat runs tests where torch is not installed.
if TYPE_CHECKING:
    from condit.model.transformers import TransformersModel

GIBIBYTES_EACH = 3
"""What one process takes at most: the embedded model twice, in 16 and in 32 bits, and a copy."""

LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "leave out slow tests, and tests of the embedded model that are not smoke tests"
    parser.addoption("--quick", action="store_true", help=help_text)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes ``-n auto`` starts: one a core, as far as memory goes."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(cores, memory // (GIBIBYTES_EACH * 2**30)))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Spare the garbage collector what is there for good: every module, and every test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# After those that mark tests, and before pytest's own, which goes by -m.
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if any(name.startswith("smollm2") for name in getattr(item, "fixturenames", ())):
            item.add_marker("model")
    # Between processes, files that may take long come first: small ones fill up the end.
    weights = Counter(item.path for item in items if reason_to_leave_out(item))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: -weights[item.path])
    if not config.getoption("quick"):
        return
    left_out = [item for item in items if reason_to_leave_out(item)]
    items[:] = [item for item in items if not reason_to_leave_out(item)]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = Counter(map(reason_to_leave_out, left_out))


def reason_to_leave_out(item: pytest.Item) -> str:
    if item.get_closest_marker("slow"):
        return "slow tests"
    if item.get_closest_marker("model") and not item.get_closest_marker("smoke"):
        return "tests of the embedded model"
    return ""


def pytest_sessionfinish(session: pytest.Session) -> None:
    # A worker of pytest-xdist tells the process that writes to the terminal.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = dict(session.config.stash.get(LEFT_OUT, {}))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    told = getattr(node, "workeroutput", {}).get("left out", {})
    node.config.stash[LEFT_OUT] = Counter(told)  # every worker collects the same


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if left_out := config.stash.get(LEFT_OUT, None):
        counts = " and ".join(f"{count} {what}" for what, count in left_out.items())
        terminalreporter.section("quick")
        terminalreporter.line(f"Left out: {counts}. scripts/test without --quick runs all.")


@pytest.fixture(scope="session")
def smollm2() -> TransformersModel:
    """SmolLM2 as users get it."""
    return condit.load("smollm2")


@pytest.fixture(scope="session")
def smollm2_in_32_bits() -> TransformersModel:
    """SmolLM2 with weights in which rounding hardly depends on what is forwarded together."""
    return condit.load("smollm2", dtype="float32")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, here and in processes started here.

    What a shell without job control runs in the background ignores it from the start.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.fixture(scope="session")
def letters() -> condit.NgramModel:
    """A model over a, b and c in which texts have several spellings, and two tokens one."""
    vocabulary = condit.Vocabulary.of(["a", "b", "c", "ab", "bc", "a"])
    texts = ["abcab", "bca", "aabbcc", "cab", "abab", "ca"]
    return condit.NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=1.5)
