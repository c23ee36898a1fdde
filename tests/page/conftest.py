"""A real browser, where there is one: Debian's Chromium, by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from watching import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOW = "scripts/setup --browser installs one"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium. Tests that need one are skipped where there is none.

    For one file only: as long as it is there, an event loop runs in this thread, and tests of other
    files could not run one of theirs.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason=f"Playwright is missing: {HOW}")
    program = os.environ.get("CONDIT_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip(f"there is no Chromium here: {HOW}")
    with sync_api.sync_playwright() as playwright:
        # Chromium has no sandbox for root, which containers often are.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    """A new page; the test fails if a script failed in it, or the policy forbade something."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    watching = Watched(context.new_page())
    yield watching
    context.close()
    assert not watching.complaints
