"""Lighthouse's scores of a page: https://github.com/GoogleChrome/lighthouse, by ``npx``.

It is no dependency: the first use fetches it from npm.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PACKAGE = "lighthouse@12.8.2"
CATEGORIES = ("accessibility", "best-practices", "seo", "performance")


def lighthouse(address: str, chromium: str | None) -> dict[str, Any]:
    """Scores of 0 to 100 by category, and the titles of the audits that do not reach theirs.

    Args:
        address: of the page.
        chromium: the browser; ``None`` for what Lighthouse finds.
    """
    command = ["npx", "--yes", PACKAGE, address, "--output=json", "--quiet"]
    command += ["--chrome-flags=--headless=new --no-sandbox"]
    command.append(f"--only-categories={','.join(CATEGORIES)}")
    env = os.environ | ({"CHROME_PATH": chromium} if chromium else {})
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    scores = {name: round(100 * said["categories"][name]["score"]) for name in CATEGORIES}
    missed = {
        name: [
            said["audits"][each["id"]]["title"]
            for each in said["categories"][name]["auditRefs"]
            if (said["audits"][each["id"]]["score"] or 0) < 1
            and said["audits"][each["id"]]["score"] is not None
        ]
        for name in CATEGORIES
    }
    return {"address": address, "scores": scores, "missed": missed}


def can_run() -> bool:
    """Whether there is a Node.js with ``npx``."""
    return shutil.which("npx") is not None


@contextmanager
def served(*command: str, path: str) -> Iterator[str]:
    """A command of ``condit`` that serves a page, and the address of the page, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}{path}"
    server = subprocess.Popen(
        [sys.executable, "-m", "condit", *command, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(address, server)
        yield address
    finally:
        server.terminate()
        server.wait()


def _await(address: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            with urllib.request.urlopen(address):
                return
        except OSError:
            if server.poll() is not None:
                raise RuntimeError(f"{server.args!r} has ended") from None
            time.sleep(0.2)


def rows(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Rows of a table: what each page scores."""
    title = ", ".join(CATEGORIES)
    said = {name: [str(each["scores"][of]) for of in CATEGORIES] for name, each in found.items()}
    return [[f"Lighthouse, {name} ({title})", ", ".join(scores)] for name, scores in said.items()]
