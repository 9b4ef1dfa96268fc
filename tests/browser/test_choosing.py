"""Filtering, sorting, searching; the address; the keyboard; the file."""

from __future__ import annotations

import pytest
from api_market import HALTED, SAMSUNG, SPLIT
from browser_market import HOSTILE_TICKER
from browser_pages import row
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def tickers(page) -> list[str]:
    return [
        str(one.get_attribute("data-ticker"))
        for one in page.locator(".rows .row[data-ticker]").all()
    ]


def test_filters_narrow_the_list_and_stand_in_the_address(served, pages):
    page = pages.open(served.url)
    page.get_by_role("button", name="VCP").click()
    expect(page.locator(".rows .row[data-ticker]")).to_have_count(3)
    page.get_by_role("group", name="Grade").get_by_role("button", name="S", exact=True).click()
    expect(page.locator(".group")).to_contain_text("1 of 3 signals")
    assert tickers(page) == [SAMSUNG]
    assert page.url.endswith("#/signals?scanner=vcp&grade=S")
    other = pages.open(page.url)
    expect(row(other, SAMSUNG)).to_be_visible()
    assert tickers(other) == [SAMSUNG]
    chip = other.get_by_role("group", name="Grade").get_by_role("button", name="S", exact=True)
    expect(chip).to_have_attribute("aria-pressed", "true")


def test_a_filter_that_leaves_nothing_says_so_and_can_be_cleared(served, pages):
    page = pages.open(f"{served.url}/#/signals?scanner=vcp&market=KOSPI&min=100")
    expect(page.locator(".nothing")).to_contain_text("No signal matches these filters.")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".rows .row[data-ticker]")).to_have_count(3)


@pytest.mark.parametrize(("text", "found"), [("ㅅㅅㅈ", SAMSUNG), ("닉스", SPLIT), ("00", None)])
def test_names_are_filtered_by_initial_consonants_parts_and_tickers(served, pages, text, found):
    page = pages.open(f"{served.url}/#/signals?scanner=daytrading")
    expect(page.locator(".rows .row[data-ticker]")).to_have_count(3)
    page.get_by_placeholder("Filter names").fill(text)
    expected = [found] if found else [SPLIT, SAMSUNG]
    expect(page.locator(".rows .row[data-ticker]")).to_have_count(len(expected))
    assert tickers(page) == expected


def test_sorting_turns_round_at_the_second_click_and_is_shared(served, pages):
    page = pages.open(f"{served.url}/#/signals?scanner=daytrading")
    expect(page.locator(".rows .row[data-ticker]")).to_have_count(3)
    assert tickers(page) == [HALTED, SPLIT, SAMSUNG]
    entry = page.locator(".head").get_by_role("button", name="Entry")
    entry.click()
    assert tickers(page) == [HALTED, SPLIT, SAMSUNG]
    entry.click()
    assert tickers(page) == [SAMSUNG, SPLIT, HALTED]
    assert page.url.endswith("?scanner=daytrading&sort=entry&order=up")


def test_any_stock_is_found_by_initials_and_opened_from_the_keyboard(served, pages):
    page = pages.open(served.url, language="ko-KR")
    expect(row(page, SAMSUNG)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.insert_text("ㅅㅅㅈㅈ")
    expect(page.get_by_role("option", name="삼성전자")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="삼성전자", level=1)).to_be_visible()
    assert page.url.endswith(f"#/stock/{SAMSUNG}")


def test_rows_are_walked_watched_and_opened_without_a_mouse(served, pages):
    page = pages.open(f"{served.url}/#/signals?scanner=daytrading")
    expect(page.locator(".rows .row[data-ticker]")).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(row(page, SPLIT).locator(".star button")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="VCP")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.get_by_role("heading", name="Taken")).to_be_visible()


def test_what_is_shown_is_saved_as_csv_and_a_name_is_no_formula(served, pages):
    page = pages.open(f"{served.url}/#/signals?scanner=vcp&sort=name&order=up")
    expect(page.locator(".rows .row[data-ticker]")).to_have_count(3)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export CSV").click()
    saved = downloading.value
    text = saved.path().read_text("utf-8-sig")
    lines = text.splitlines()
    assert saved.suggested_filename == "closebell-signals-2026-02-04.csv"
    assert lines[0].startswith("ticker,name,market,signal_type,session,as_of,preliminary,grade")
    assert [line.split(",")[0] for line in lines[1:]] == tickers(page)
    assert '"<img src=x onerror=""document.title=1"">"' in text
    assert HOSTILE_TICKER in text


def test_a_least_score_of_an_address_stands_in_its_choice(served, pages):
    page = pages.open(f"{served.url}/#/signals?min=55")
    expect(page.get_by_label("Min. score")).to_have_value("55")
