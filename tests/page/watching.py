"""A page of the browser, and what it said or asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page


class Watched:
    """A page, and what it said or asked for that it should not have."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", lambda dialog: self._dialog(dialog))

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append("a dialog was opened: a script of the trace ran")
        dialog.dismiss()

    def open(self, address: str | Path) -> Page:
        self.page.goto(address.as_uri() if isinstance(address, Path) else address)
        self.page.wait_for_selector("#page[data-ready] article, #page[data-ready] .warning")
        return self.page
