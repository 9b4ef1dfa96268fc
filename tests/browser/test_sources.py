"""How the sources are doing stands beside the scans' ages."""

from __future__ import annotations

import pytest
from api_market import publish_everything
from api_server import serving
from databases import emptied
from playwright.sync_api import expect

from db.guards import StoredGuards

pytestmark = pytest.mark.browser


def test_sources_without_bars_and_those_in_trouble_are_told_as_they_are(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    guards = StoredGuards(database)
    permit, _ = guards.enter("naver", probe_for=5)
    guards.failed("naver", permit, threshold=1, cool_down=60, reason="naver: HTTP 503")
    with database.transaction() as tx:
        tx.sources.configured("krx", "CLOSEBELL_KRX_AUTH_KEY")
        tx.sources.succeeded("dart")
        tx.sources.failed("naver", "naver: HTTP 503, 4 attempts")
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)

    def line(name):
        return page.locator(f"tr[data-source={name}]")

    expect(line("dart")).to_contain_text("just now")
    expect(line("krx")).to_contain_text("not configured")
    expect(line("krx")).to_contain_text("CLOSEBELL_KRX_AUTH_KEY")
    expect(line("naver")).to_contain_text("paused after errors")
    expect(line("naver")).to_contain_text("HTTP 503")
    expect(page.locator(".fresh")).not_to_contain_text("NaN")
