"""Photographs the dashboard's main pages into docs/screenshots/, over the sample market.

Needs Debian's chromium and a Korean font (fonts-nanum): `python docs/screenshots.py`. With a data
folder as argument it takes what is stored there.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from market.calendar import TradingCalendar
from market.clock import SystemClock

FOLDER = Path(__file__).with_name("screenshots")
SESSIONS = 30  # up to the newest, so that nothing in the pictures is late
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Shot:
    """One picture: `place` is the page's address, where STOCK stands for the best vcp signal."""

    name: str
    place: str
    language: str = "en-US"
    theme: str = "light"
    phone: bool = False


SHOTS = (
    Shot("signals-light", ""),
    Shot("signals-dark-korean", "", "ko-KR", "dark"),
    Shot("stock-light-korean", "#/stock/STOCK?scanner=vcp", "ko-KR"),
    Shot("stock-dark", "#/stock/STOCK?scanner=vcp", theme="dark"),
    Shot("watch-light", "#/watch"),
    Shot("performance-dark-korean", "#/performance", "ko-KR", "dark"),
    Shot("scans-light", "#/scans?scanner=vcp"),
    Shot("phone-signals-dark-korean", "", "ko-KR", "dark", phone=True),
    Shot("phone-stock-light", "#/stock/STOCK?scanner=vcp", phone=True),
)


def main(stored: str | None = None) -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        environment = os.environ | {"CLOSEBELL_DATA_DIR": stored or home}
        if stored is None:
            fill(environment)
        with serving(environment) as address:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for shot in SHOTS:
                take(browser, address, shot)
            browser.close()


def fill(environment: dict[str, str]) -> None:
    """Six weeks of the sample market, what became of its signals, and a backtest."""
    calendar = TradingCalendar()
    newest = calendar.last_closed(SystemClock().now())
    days = calendar.sessions(newest - timedelta(days=2 * SESSIONS), newest)[-SESSIONS:]
    first, before, last = (day.isoformat() for day in (days[0], days[-2], days[-1]))
    run(environment, "backfill", "--from", first, "--to", before, "--source", "sample")
    run(environment, "run", "settle", "--source", "sample", "--session", before)
    run(environment, "run", "end-of-day", "--source", "sample", "--session", last)
    run(environment, "backtest", "vcp", "--from", first, "--to", last, "--source", "sample")


def run(environment: dict[str, str], *words: str) -> None:
    """A command; what the version at hand can't do yet leaves its page empty."""
    done = subprocess.run([program(), *words], env=environment, stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.stderr.write(f"closebell {' '.join(words)}: exit {done.returncode}\n")


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = ("serve", "--source", "sample", "--port", str(port))
    server = subprocess.Popen([program(), *words], env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if answers(address):
                break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def take(browser: Browser, address: str, shot: Shot) -> None:
    best = httpx.get(f"{address}/api/kr/signals?signal_type=vcp&limit=3").json()
    context = browser.new_context(
        locale=shot.language,
        color_scheme="dark" if shot.theme == "dark" else "light",
        viewport=PHONE if shot.phone else DESKTOP,
        device_scale_factor=2 if shot.phone else 1,
        is_mobile=shot.phone,
    )
    page = context.new_page()
    page.add_init_script(f"localStorage['closebell.notebook'] ||= {json.dumps(notebook(best))}")
    page.goto(f"{address}/{shot.place.replace('STOCK', best[0]['ticker'])}")
    settled(page)
    page.screenshot(path=FOLDER / f"{shot.name}.png")
    context.close()


def settled(page: Page) -> None:
    page.locator("#connection[data-state=live]").wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)  # charts are painted after their data are there


def notebook(best: list[dict[str, object]]) -> str:
    """A watch list with something taken, as the page keeps it."""
    stocks = [{"ticker": one["ticker"], "name": one["name"]} for one in best]
    trade = {
        **stocks[0],
        "id": "picture",
        "scanner": "vcp",
        "session": best[0]["session"],
        "price": best[0]["entry_price"],
        "shares": 20,
        "stop": best[0]["stop_price"],
        "exit": None,
        "note": "",
    }
    book = {"closebell": "notebook", "version": 1, "stocks": stocks, "trades": [trade]}
    return json.dumps(book, ensure_ascii=False)


def program() -> Path:
    return Path(sys.executable).with_name("closebell")


if __name__ == "__main__":
    main(*sys.argv[1:2])
