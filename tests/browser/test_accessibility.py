"""Every page through axe, in both appearances and languages: nothing serious."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_market import SAMSUNG
from browser_pages import SECONDS, live, row
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => [one.id, ...one.nodes.slice(0, 5).map(node => node.html + node.failureSummary)]);
}"""


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize(
    ("place", "there"),
    [
        ("#/signals?gone=1", ".row.gone"),
        (f"#/stock/{SAMSUNG}", "#chart[data-bars]"),
        ("#/watch", "tbody tr"),
        ("#/performance", ".empty"),
        ("#/scans", "tbody tr"),
    ],
)
def test_axe_has_no_serious_finding(served, pages, place, there, appearance):
    pages.allowed = ("404",)  # nothing was settled yet
    language = "ko-KR" if appearance == "dark" else "en-US"
    page = pages.open(served.url, language=language, color_scheme=appearance, bypass_csp=True)
    row(page, SAMSUNG).locator(".star button").click()
    page.goto(f"{served.url}/{place}")
    expect(page.locator(there).first).to_be_visible(timeout=SECONDS)
    live(page)
    assert findings(page) == []


def test_axe_has_no_serious_finding_in_dialogs(served, pages):
    page = pages.open(served.url, bypass_csp=True)
    live(page)
    for name in ("Keys", "Settings"):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        assert findings(page) == []
        page.keyboard.press("Escape")


def findings(page) -> list[object]:
    page.evaluate(AXE)
    found: list[object] = page.evaluate(RUN)
    return found
