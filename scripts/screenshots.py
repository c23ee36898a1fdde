"""Pictures of the page for the docs, of runs drawn for them; see ``scripts/screenshots``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

import condit
from condit.page.files import exported

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
PROMPT = 'The book "Dune" by Frank Herbert, as JSON with title, year and genre:'


def main() -> None:
    """Take them all."""
    model = condit.load("smollm2")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        runs = [
            _run(model, folder / "first.jsonl", ["SF", "NF", "POE"]),
            _run(model, folder / "second.jsonl", ["novel", "essay", "poem"]),
        ]
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        one, two = folder / "one.html", folder / "two.html"
        one.write_text(exported([("first.jsonl", runs[0])]), encoding="utf-8")
        texts = zip(("first.jsonl", "second.jsonl"), runs, strict=True)
        two.write_text(exported(list(texts)), encoding="utf-8")
        _of_one(browser, one.as_uri())
        with _opened(browser, two.as_uri(), 1600, "light") as page:
            _shoot(page, "page-two-runs", height=760)
        with _served() as address:
            _of_playground(browser, f"{address}/ui/")
        browser.close()


def _run(model: Any, path: Path, genres: list[str]) -> str:
    schema = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 40},
            "year": {"type": "integer", "minimum": 1000, "maximum": 2030},
            "genre": {"enum": genres},
        },
        "required": ["title", "year", "genre"],
        "additionalProperties": False,
    }
    constraint = condit.json_schema(schema)
    result = condit.generate(model, PROMPT, constraint, n=8, max_tokens=60, sampler="smc", seed=1)
    result.save(path, alternatives=condit.alternatives(model, result))
    return path.read_text(encoding="utf-8")


def _of_one(browser: Browser, address: str) -> None:
    with _opened(browser, address, 1280, "light") as page:
        token = page.locator(".text .token").filter(has_text="F").last
        token.click()
        page.mouse.move(0, 0)
        _shoot(page, "page-run", height=820)
        _part(page, "What the constraint cost", "page-cost")
        _part(page, "Field by field", "page-marginals")
        _part(page, "Step by step", "page-steps")
    with _opened(browser, address, 1280, "dark") as page:
        _part(page, "Genealogy", "page-genealogy-dark")
    with _opened(browser, address, 390, "dark") as page:
        _shoot(page, "page-phone", height=844)


def _of_playground(browser: Browser, address: str) -> None:
    with _opened(browser, address, 1280, "light") as page:
        page.wait_for_selector(".plan")
        page.get_by_label("Example").select_option("A number, or unknown")
        editor = page.get_by_label("The constraint", exact=True).locator("textarea")
        editor.fill('integer(0, 130)\n  | chioce("none", "unknown")')
        page.wait_for_selector(".fault")
        _shoot(page, "playground-error", height=470)
        page.get_by_label("Example").select_option("A person as JSON")
        page.get_by_label("as a form").check()
        page.get_by_label("Seed").fill("1")
        page.wait_for_selector(".plan")
        page.get_by_role("button", name="Draw").click()
        page.wait_for_selector(".samples", timeout=120_000)
        _shoot(page, "playground", height=1150)


def _part(page: Page, label: str, name: str) -> None:
    page.get_by_label(label, exact=True).first.screenshot(path=IMAGES / f"{name}.png")


def _shoot(page: Page, name: str, height: int) -> None:
    page.evaluate("scrollTo(0, 0)")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    page.wait_for_timeout(200)
    page.screenshot(path=IMAGES / f"{name}.png")


@contextmanager
def _opened(browser: Browser, address: str, width: int, scheme: Any) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=1
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#page[data-ready]")
    yield page
    context.close()


@contextmanager
def _served() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "condit", "serve", "--port", str(port)],
        env=os.environ,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{address}/ready"):
                    break
            except OSError:
                if server.poll() is not None:
                    raise RuntimeError("condit serve has ended") from None
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
