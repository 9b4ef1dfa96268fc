"""Rows read as the official examples and real rows say, and refused when they contradict."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sources.kiwoom.rows import (
    DayBar,
    Direction,
    IndexBar,
    IndexNow,
    ListedStock,
    MarketNetBuying,
    Quote,
    SectorNow,
    StockNetBuying,
    StockQuote,
)
from sources.wire import Row, RowError

GOLDEN = json.loads((Path(__file__).parent / "golden" / "kiwoom.json").read_text("utf-8"))


def quote(**changed: str) -> dict[str, str]:
    """The official example of a stock that rose, with fields changed."""
    return GOLDEN["ka20002"]["inds_stkpc"][3] | changed


@pytest.mark.parametrize(
    ("tr", "rows", "row"),
    [
        ("ka10099", "list", ListedStock),
        ("ka20002", "inds_stkpc", Quote),
        ("ka10095", "atn_stk_infr", StockQuote),
        ("ka10081", "stk_dt_pole_chart_qry", DayBar),
        ("ka10066", "opaf_invsr_trde", MarketNetBuying),
        ("ka10059", "stk_invsr_orgn", StockNetBuying),
        ("ka20003", "all_inds_idex", SectorNow),
        ("ka20006", "inds_dt_pole_qry", IndexBar),
    ],
)
def test_every_official_example_is_read(tr: str, rows: str, row: type[Row]) -> None:
    wires = GOLDEN[tr][rows]
    assert wires
    assert len([row.parse(wire) for wire in wires]) == len(wires)


def test_a_sweeps_quote() -> None:
    row = Quote.parse(quote())
    assert (row.ticker, row.open, row.high, row.low, row.close) == (
        "005930",
        67500,
        68100,
        66000,
        68100,
    )
    assert (row.volume, row.change, row.base) == (3, 600, 67500)
    assert row.direction is Direction.UP


def test_a_chosen_stocks_quote() -> None:
    row = StockQuote.parse(GOLDEN["ka10095"]["atn_stk_infr"][0])
    assert (row.session, row.close, row.base) == (date(2024, 11, 28), 156600, 121700)
    assert (row.value, row.volume) == (14_889_000_000, 118636)
    assert (row.upper_limit, row.lower_limit) == (158200, 85200)
    assert (row.expected_price, row.expected_volume) == (156600, 823)


def test_a_day_of_the_chart() -> None:
    row = DayBar.parse(GOLDEN["ka10081"]["stk_dt_pole_chart_qry"][1])
    assert (row.session, row.close, row.base) == (date(2025, 9, 5), 69500, 70100)
    assert row.value == 804_642_000_000


def test_a_real_row_of_net_buying_sums_to_nothing() -> None:
    row = StockNetBuying.parse(GOLDEN["real"]["ka10059"])
    assert (row.foreign, row.institution, row.individual) == (-865578, -382209, 687635)
    assert row.imbalance == 0


def test_a_real_day_of_an_index() -> None:
    row = IndexBar.parse(GOLDEN["real"]["ka20006"])
    assert (row.close, row.high, row.low) == (6838.04, 6965.64, 6810.00)
    assert row.value / (1000 * row.volume_thousands) == pytest.approx(71_603, abs=1)


def test_an_index_now() -> None:
    row = IndexNow.parse(GOLDEN["ka20001"])
    assert (row.close, row.change, row.change_pct) == (2394.49, -278.47, -10.42)
    assert (row.rising, row.unchanged, row.falling) == (17, 183, 130)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pred_pre_sig": "6"}, "pred_pre_sig '6'"),
        ({"pred_pre_sig": "5"}, "pred_pre \\+600 contradicts direction 5"),
        ({"pred_pre": "-600"}, "contradicts direction 2"),
        ({"pred_pre": "+6000"}, "flu_rt 0.89 contradicts \\+6000"),
        ({"flu_rt": "-0.89"}, "contradicts"),
        ({"cur_prc": ""}, "cur_prc '': blank"),
        ({"cur_prc": "0"}, "close 0"),
        ({"cur_prc": "4294967295"}, "saturated"),
        ({"now_trde_qty": "-3"}, "now_trde_qty '-3'"),
        ({"now_trde_qty": "4294967295"}, "saturated"),
        ({"high_pric": "+60000"}, "out of order"),
        ({"stk_cd": "005930_AL"}, "stk_cd '005930_AL'"),
        ({"stk_cd": "KRX:005930"}, "no stock code"),
    ],
)
def test_a_contradictory_or_unknown_value_is_an_error_that_names_it(
    changed: dict[str, str], message: str
) -> None:
    with pytest.raises(RowError, match=message):
        Quote.parse(quote(**changed))


def test_a_missing_field_is_an_error_that_names_it() -> None:
    wire = quote()
    del wire["open_pric"]
    with pytest.raises(RowError, match="open_pric is missing"):
        Quote.parse(wire)


@pytest.mark.parametrize("wire", [dict.fromkeys(quote(), ""), {}, dict.fromkeys(quote(), " ")])
def test_a_blank_row_is_no_row_of_zeros(wire: dict[str, str]) -> None:
    with pytest.raises(RowError, match="every field is blank"):
        Quote.parse(wire)


def test_a_base_price_that_contradicts_the_change_is_an_error() -> None:
    wire = GOLDEN["ka10095"]["atn_stk_infr"][0] | {"base_pric": "121800"}
    with pytest.raises(RowError, match="base_pric 121800, but close - change is 121700"):
        StockQuote.parse(wire)


def test_an_unknown_order_warning_is_an_error() -> None:
    wire: dict[str, Any] = GOLDEN["ka10099"]["list"][0] | {"orderWarning": "9"}
    with pytest.raises(RowError, match="orderWarning '9'"):
        ListedStock.parse(wire)
