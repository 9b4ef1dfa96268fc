"""The HTML report: whole in itself, honest at the top, safe with any name."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest
from eager_backtests import SCANNERS, eager_backtest

from backtest.report import html
from tasks.backtest import new_backtest


class Tags(HTMLParser):
    """Checks that what is opened is closed; notes tags and attributes that reach elsewhere."""

    VOID = ("meta", "line", "rect", "polyline", "polygon", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in ("script", "link", "img", "iframe"):
            self.outside.append(tag)
        self.outside += [f"{k}={v}" for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def page(scanner: str, trials: int = 1, name: str | None = None) -> str:
    result = eager_backtest(scanner)
    result = replace(result, facts=result.facts | {"trials": trials})
    row = asdict(new_backtest(result, "key", "stored", 1.0)) | {"id": 7}
    trades = result.trades
    if name is not None:
        trades = trades.with_columns(name=pl.lit(name))
    return html(row, result.equity, trades)


@pytest.mark.parametrize("scanner", SCANNERS)
def test_the_page_needs_no_other_host_and_is_well_formed(scanner):
    text = page(scanner)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.outside == []
    assert "http" not in text
    assert "url(" not in text
    assert text.count("<svg") >= 3
    assert not re.search(r"\bnan\b|\binf\b|None", text)


def test_survivorship_trials_and_costs_stand_above_every_figure():
    text = page("vcp", trials=1_234)
    first_figure = text.index("Total return")
    for words in ("Survivorship", "Trials: 1,234", "Costs", "What would have to be true"):
        assert text.index(words) < first_figure
    assert "looks good by luck" in text[:first_figure]


def test_a_name_is_shown_and_never_run():
    text = page("closing_bet", name="<b>R&D</b>")
    assert "&lt;b&gt;R&amp;D&lt;/b&gt;" in text
    assert "<b>R&D</b>" not in text
