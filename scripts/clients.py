"""What ``scripts/clients`` does: environments of clients, a server, and each client's script."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venvs" / "lock" / "bin" / "uv"
SCRIPTS = ROOT / "tests" / "clients"
VERSIONS = ROOT / "requirements" / "clients"

MOST_SECONDS = 300
"""That one client may take."""


def main() -> int:
    """Run the clients that are asked for; 1 where one failed."""
    known = sorted(path.parent.name for path in SCRIPTS.glob("*/check.*"))
    parser = argparse.ArgumentParser(prog="scripts/clients")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--url", help="of a server that runs already")
    parser.add_argument("--lock", action="store_true", help="renew the exact versions first")
    asked = parser.parse_args()
    names = asked.names or known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    for name in names:
        if asked.lock:
            lock(name)
        prepare(name)
    failed = []
    with served(asked.url) as url:
        for name in names:
            began = time.monotonic()
            passed = run(name, url)
            print(
                f"{name:12} {'passed' if passed else 'FAILED'} {time.monotonic() - began:6.1f} s",
                flush=True,
            )
            failed += [] if passed else [name]
    return 1 if failed else 0


def lock(name: str) -> None:
    """Renew the exact versions of a client."""
    if name == "openai-node":
        command = ["npm", "install", "--package-lock-only", "--silent"]
        command += ["--save-exact", "openai@latest", "zod@latest"]
        subprocess.run(command, cwd=SCRIPTS / name, check=True)
        return
    file = VERSIONS / f"{name}.txt"
    command = [str(UV), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--no-header", "--no-annotate", "--upgrade", f"{name}.in"]
    found = subprocess.run(command, cwd=VERSIONS, check=True, stdout=subprocess.PIPE, text=True)
    if any(line.startswith(("torch==", "nvidia-")) for line in found.stdout.splitlines()):
        sys.exit(f"{name} wants torch now: say in {file.with_suffix('.in')} what it needs instead")
    file.write_text("# Made by scripts/clients --lock: do not edit.\n" + found.stdout)


def prepare(name: str) -> None:
    """Make the environment of a client, unless it stands with these versions."""
    place = ROOT / ".venvs" / f"client-{name}"
    stamp = place / ".condit-versions"
    is_node = name == "openai-node"
    source = SCRIPTS / name / "package-lock.json" if is_node else VERSIONS / f"{name}.txt"
    if stamp.exists() and stamp.read_text() == source.read_text():
        return
    print(f"Setting up .venvs/client-{name}", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    if is_node:
        place.mkdir(parents=True)
        for each in ("package.json", "package-lock.json"):
            shutil.copy(SCRIPTS / name / each, place)
        command = ["npm", "ci", "--silent", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=place, check=True)
    else:
        uv = [str(UV), "--quiet"]
        subprocess.run([*uv, "venv", "--python", sys.executable, str(place)], check=True)
        install = ["pip", "sync", "--python", str(place / "bin" / "python"), str(source)]
        subprocess.run([*uv, *install], check=True)
    stamp.write_text(source.read_text())


@contextmanager
def served(url: str | None) -> Iterator[str]:
    """Where a server is: the one that is given, or one that runs as long as this does."""
    if url is not None:
        yield url
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "condit", "serve", "-m", "smollm2", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    log = ROOT / ".venvs" / "clients-server.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            while not is_ready(url):
                if server.poll() is not None:
                    sys.exit(f"the server did not start:\n{log.read_text()}")
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            server.wait(60)


def is_ready(url: str) -> bool:
    """Whether the server takes requests."""
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def run(name: str, url: str) -> bool:
    """Run the script of a client against the server at ``url``; whether it passed."""
    place = ROOT / ".venvs" / f"client-{name}"
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        "CONDIT_URL": url,
        "OPENAI_API_KEY": "none",
        # Whatever a client would fetch: there is no way out of this machine.
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "NO_PROXY": "127.0.0.1",
    }
    if name == "openai-node":
        shutil.copy(SCRIPTS / name / "check.mjs", place)
        command = ["node", "check.mjs"]
    else:
        command = [str(place / "bin" / "python"), "-W", "ignore", str(SCRIPTS / name / "check.py")]
    if name == "lm-eval":
        # Its prompts are token ids, so it needs the tokenizer of the model.
        from condit.model.smollm2 import directory

        environment["CONDIT_TOKENIZER"] = str(directory())
    try:
        return not subprocess.run(
            command, cwd=place, env=environment, timeout=MOST_SECONDS
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"{name}: not done after {MOST_SECONDS} s", flush=True)
        return False


if __name__ == "__main__":
    sys.exit(main())
