"""How sure a list is, and what is to be known of a stock before it is bought."""

from __future__ import annotations

import pytest
from api_market import HALTED, WED, publish, publish_everything, publish_gate, signal
from api_server import serving
from browser_pages import live, row
from databases import emptied
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_preliminary_signals_are_marked_until_the_final_ones_replace_them(
    postgres_url, stack, pages
):
    database = stack.enter_context(emptied(postgres_url))
    publish_gate(database)
    publish(database, "closing_bet", WED, 3, slot="15:12", preliminary=True)
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    group = page.locator(".group[data-scanner=closing_bet]")
    expect(group.locator(".flag.preliminary")).to_have_text("preliminary")
    expect(group.locator(".slot")).to_have_text("2026-02-04 15:12")
    live(page)
    publish(database, "closing_bet", WED, 2, slot="final")
    expect(group.locator(".slot")).to_have_text("2026-02-04 final")
    expect(group.locator(".flag.preliminary")).to_have_count(0)
    expect(group).to_contain_text("2 signals")


def test_a_final_list_without_signals_is_not_preliminary(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_gate(database)
    publish(database, "closing_bet", WED, 3, slot="15:12", preliminary=True)
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    group = page.locator(".group[data-scanner=closing_bet]")
    expect(group.locator(".flag.preliminary")).to_be_visible()
    live(page)
    publish(database, "closing_bet", WED, 1, slot="final")
    publish(database, "closing_bet", WED, 0, slot="final")
    expect(group).to_contain_text("0 signals")
    expect(group.locator(".flag.preliminary")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "words", "value", "cap"),
    [
        ("en-US", ["investment warning", "single price", "watch"], "5.0B", "1.2T"),
        ("ko-KR", ["투자경고", "단기과열", "관찰"], "50.0억", "1.2조"),
    ],
)
def test_flags_value_and_market_cap_stand_in_the_row(
    postgres_url, stack, pages, language, words, value, cap
):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    flagged = signal("daytrading", WED, 2) | {
        "flags": ["warning", "single_price"],
        "market_cap": 1_234_000_000_000,
    }
    publish(database, "daytrading", rows=[flagged])
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/signals?scanner=daytrading", language=language)
    line = row(page, HALTED)
    for word in words:
        expect(line.locator(".notes")).to_contain_text(word)
    expect(line.locator(".value20")).to_have_text(value)
    expect(line.locator(".cap")).to_have_text(cap)
