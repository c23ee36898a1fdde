"""How much memory is free on this machine, or in the container in which this runs."""

from __future__ import annotations

import os
from pathlib import Path


def available_memory() -> int:
    """Bytes that can be taken without swapping; 0 where the system does not tell.

    Linux knows how much of its file cache it can give up; elsewhere only unused pages count. A
    control group (a container) may allow less.
    """
    available = _unused_pages()
    memory = _words_of(Path("/proc/meminfo"))
    if "MemAvailable:" in memory:
        available = 1024 * int(memory[memory.index("MemAvailable:") + 1])
    group = Path("/sys/fs/cgroup")
    limit, used = _words_of(group / "memory.max"), _words_of(group / "memory.current")
    if limit and used and limit[0].isdigit():
        statistics = _words_of(group / "memory.stat")
        cache = 0
        if "inactive_file" in statistics:
            cache = int(statistics[statistics.index("inactive_file") + 1])
        available = min(available, max(int(limit[0]) - int(used[0]) + cache, 0))
    return available


def _unused_pages() -> int:
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return 0
    return max(os.sysconf("SC_AVPHYS_PAGES"), 0) * os.sysconf("SC_PAGE_SIZE")


def _words_of(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
