"""Pages of the dashboard in Chromium, with everything that went wrong in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect

SECONDS = 30_000
"""Milliseconds to wait at most; CI may be several times slower."""

MOST_TEXT = 3_000
"""Characters of a page that a failed test repeats."""


class Pages:
    """Opens pages, each in a browser of its own (no storage from others)."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.errors: list[str] = []
        self.allowed: tuple[str, ...] = ()
        """Parts of console messages that a test provokes."""

    def open(self, address: str, *, language: str = "en-US", **context: Any) -> Page:
        """A page at that address, loaded and live."""
        options = {"viewport": {"width": 1440, "height": 900}} | context
        opened = self._browser.new_context(locale=language, **options)
        self._contexts.append(opened)
        opened.set_default_timeout(SECONDS)
        page = opened.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        return page

    def described(self, folder: Path, name: str) -> str:
        """What is on every page that is open, with a picture of it in the folder."""
        told = []
        for number, page in enumerate(p for c in self._contexts for p in c.pages):
            picture = folder / f"{name}-{number}.png"
            try:
                page.screenshot(path=picture, timeout=5_000)
                text = page.locator("body").inner_text(timeout=5_000)
            except Error as error:
                text = f"can't be read: {error.message}"
            told.append(f"{page.url}\npicture: {picture}\n{text[:MOST_TEXT]}")
        return "\n\n".join([*told, *self.errors])

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if not any(allowed in message.text for allowed in self.allowed):
            self.errors.append(message.text)


def live(page: Page) -> None:
    """Wait until the page is connected."""
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=SECONDS)


def rows(page: Page, scanner: str | None = None) -> list[str]:
    """The tickers of the rows that are drawn, from top to bottom."""
    if scanner is not None:
        page.get_by_role("button", name=scanner, pressed=False).first.click()
    found = page.locator(".rows .row[data-ticker]")
    return [str(row.get_attribute("data-ticker")) for row in found.all()]


def row(page: Page, ticker: str) -> Any:
    """The first row of that stock."""
    return page.locator(f".rows .row[data-ticker='{ticker}']").first
