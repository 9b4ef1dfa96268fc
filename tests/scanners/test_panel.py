"""The panel's rows, segments, scales, and who is left out of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from market.asof import Slot
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying, News
from scanners import Rules, scan
from scanners.net_buying import for_rows
from scanners.panel import Panel, build_panel
from scanners.universe import REASONS, sectors_of

SESSIONS = TradingCalendar().sessions(date(2024, 1, 2), date(2025, 6, 30))
NOW = datetime(2025, 7, 1, tzinfo=UTC)
Row = dict[str, Any]


def bar(at: int, close: int = 10_000, ticker: str = "000010", **changes: Any) -> Row:
    """A bar of the session at place `at`; halted=True is a resting one."""
    row = {
        "session": SESSIONS[at],
        "ticker": ticker,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 1_000,
        "value": close * 1_000,
        "base": close,
        "listed_shares": None,
        "market_cap": None,
        "adjusted": False,
        "source": "made up",
        "collected_at": NOW,
    }
    if changes.pop("halted", False):
        changes |= {"open": 0, "high": 0, "low": 0, "volume": 0, "value": 0}
    return row | changes


def halted(first: int, after: int) -> list[Row]:
    return [bar(at, halted=True) for at in range(first, after)]


def market(rows: list[Row], flags: list[Row] | None = None, **instrument: Any) -> MarketData:
    tickers = sorted({row["ticker"] for row in rows})
    about = {
        "since": SESSIONS[0],
        "name": "made up",
        "market": "KOSPI",
        "kind": "common",
        "sector": None,
        "listed": None,
        "delisted": None,
    }
    instruments = [{"ticker": ticker} | about | instrument for ticker in tickers]
    return MarketData(
        bars=DailyBars.validate(pl.DataFrame(rows, schema=DailyBars.create_empty().schema)),
        instruments=Instruments.validate(
            pl.DataFrame(instruments, schema=Instruments.create_empty().schema)
        ),
        flags=InstrumentFlags.validate(
            pl.DataFrame(flags or [], schema=InstrumentFlags.create_empty().schema)
        ),
        net_buying=NetBuying.create_empty(),
        index_bars=IndexBars.create_empty(),
    )


def panel_of(data: MarketData, last: int = 299, first: int = 0) -> Panel:
    sessions = pl.Series(SESSIONS[: last + 1])
    return build_panel(data, sessions, first, sectors_of(data), Rules().universe)


def reasons(panel: Panel, column: str = "out") -> list[str]:
    return [REASONS[code] for code in panel.stocks[column]]


def test_halted_rows_are_dropped_and_counted() -> None:
    rows = [bar(at) for at in range(5)] + halted(5, 10) + [bar(10)]
    panel = panel_of(market(rows), last=10)
    assert panel.rows["pos"].to_list() == [0, 1, 2, 3, 4, 10]
    assert panel.rows["n"].to_list() == [1, 2, 3, 4, 5, 6]
    assert panel.left_out["pos"].sort().to_list() == [5, 6, 7, 8, 9]
    assert {REASONS[code] for code in panel.left_out["out"]} == {"halted"}


@pytest.mark.parametrize(("length", "n"), [(5, 62), (20, 62), (21, 2)])
def test_a_halt_of_more_than_twenty_sessions_starts_a_segment(length: int, n: int) -> None:
    after = 60 + length
    rows = [bar(at) for at in range(60)] + halted(60, after) + [bar(after), bar(after + 1)]
    assert panel_of(market(rows), last=after + 1).rows["n"][-1] == n


@pytest.mark.parametrize(("missing", "n"), [(5, 11), (6, 1)])
def test_more_than_five_missing_sessions_start_a_segment(missing: int, n: int) -> None:
    rows = [bar(at) for at in range(10)] + [bar(10 + missing)]
    assert panel_of(market(rows), last=20).rows["n"][-1] == n


@pytest.mark.parametrize(("close", "n"), [(13_100, 5), (13_101, 1), (6_800, 1)])
def test_an_adjusted_jump_after_a_halt_starts_a_segment(close: int, n: int) -> None:
    rows = [bar(at, adjusted=True) for at in range(4)]
    rows += [bar(4, halted=True, adjusted=True), bar(5, close, adjusted=True)]
    assert panel_of(market(rows), last=5).rows["n"][-1] == n


def test_n_counts_only_the_last_280_sessions() -> None:
    rows = [bar(at) for at in range(290)]
    assert panel_of(market(rows), last=289).rows["n"].tail(2).to_list() == [280, 280]
    rows = [bar(at) for at in range(100)] + halted(100, 115) + [bar(at) for at in range(115, 290)]
    assert panel_of(market(rows), last=289).rows["n"][-1] == 265


def test_prices_before_a_split_are_put_on_its_scale() -> None:
    rows = [bar(0, 50_000), bar(1, 52_000, base=50_000), bar(2, 10_500, base=10_400)]
    rows = panel_of(market(rows), last=2).rows
    assert rows["close"].to_list() == pytest.approx([10_000, 10_400, 10_500])
    assert rows["volume"].to_list() == pytest.approx([5_000, 5_000, 1_000])
    assert rows["scale"].to_list() == pytest.approx([0.2, 0.2, 1.0])
    assert rows["value"].to_list() == [50_000_000, 52_000_000, 10_500_000]
    assert rows["chg"].to_list() == pytest.approx([0.0, 0.04, 10_500 / 10_400 - 1])
    assert rows["limit_base"].to_list() == [50_000, 50_000, 10_400]


def test_without_a_value_it_is_estimated_and_marked() -> None:
    rows = panel_of(market([bar(0, value=None), bar(1)]), last=1).rows
    assert rows["value"].to_list() == [10_000_000, 10_000_000]
    assert rows["value_estimated"].to_list() == [True, False]


@pytest.mark.parametrize(("high", "traded"), [(9_999, 1), (9_990, 1), (9_989, 0)])
def test_a_high_under_the_close_is_tolerated_within_rounding(high: int, traded: int) -> None:
    panel = panel_of(market([bar(0, high=high, low=9_000)]), last=0)
    assert len(panel.rows) == traded
    if traded:
        assert panel.rows["high"].item() == 10_000
    else:
        assert [REASONS[code] for code in panel.left_out["out"]] == ["bad_prices"]


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"kind": "preferred"}, "preferred"),
        ({"kind": "spac"}, "spac"),
        ({"market": "KONEX"}, "konex"),
        ({"kind": "etf"}, "etf"),
        ({"since": SESSIONS[70]}, "unknown_instrument"),
        ({"listed": SESSIONS[65]}, "new_listing"),
        ({"listed": SESSIONS[64]}, ""),
        ({"listed": date(2001, 1, 2)}, ""),
        ({}, ""),
    ],
)
def test_who_is_left_out_by_what_it_is(about: Row, reason: str) -> None:
    rows = [bar(at) for at in range(70)]
    panel = panel_of(market(rows, **about), last=69, first=69)
    found = [*panel.stocks["out"], *panel.left_out["out"]]
    assert [REASONS[code] for code in found] == [reason]


def test_fewer_than_sixty_rows_are_a_short_history() -> None:
    panel = panel_of(market([bar(at) for at in range(61)]), last=60, first=58)
    assert reasons(panel) == ["short_history", "", ""]


@pytest.mark.parametrize(
    ("flag", "vcp", "trading"),
    [
        ("administrative", "administrative", "administrative"),
        ("liquidation", "liquidation", "liquidation"),
        ("caution", "", "caution"),
        ("single_price", "", "single_price"),
        ("risk", "", "risk"),
        ("warning", "", ""),
    ],
)
def test_a_designation_holds_from_since_until(flag: str, vcp: str, trading: str) -> None:
    rows = [bar(at) for at in range(70)]
    span = {"ticker": "000010", "flag": flag, "since": SESSIONS[66], "until": SESSIONS[68]}
    panel = panel_of(market(rows, [span]), last=69, first=65)
    assert reasons(panel) == ["", vcp, vcp, "", ""]
    assert reasons(panel, "out_trading") == ["", trading, trading, "", ""]
    assert panel.stocks[flag].to_list() == [False, True, True, False, False]


def test_an_instrument_without_a_row_is_counted_as_such() -> None:
    rows = [bar(at) for at in range(70)] + [bar(at, ticker="000020") for at in range(69)]
    left = panel_of(market(rows), last=69, first=69).left_out
    assert [(REASONS[out], n) for out, n in left.select("out", "n").iter_rows()] == [("no_data", 1)]
    gone = panel_of(market(rows, delisted=SESSIONS[69]), last=69, first=69).left_out
    assert gone.is_empty()


def net(at: int, known: datetime, won: int, **changes: Any) -> Row:
    row = {
        "session": SESSIONS[at],
        "ticker": "000010",
        "known_at": known,
        "foreign_won": won,
        "institution_won": won,
        "provisional": False,
        "source": "made up",
    }
    return row | changes


def evening(at: int) -> datetime:
    day = SESSIONS[at]
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


@pytest.mark.parametrize(("slot", "q", "net5"), [("close", 68, 10.0), ("final", 69, 10.0)])
def test_net_buying_is_read_as_it_was_known(slot: str, q: int, net5: float) -> None:
    known = [net(at, evening(at), 1) for at in range(70)]
    # Known only after the scan of the session that follows: never used.
    known += [net(at, evening(at + 3), 1_000) for at in range(66)]
    data = market([bar(at) for at in range(70)])
    frame = pl.DataFrame(known, schema=NetBuying.create_empty().schema)
    data = MarketData(**(vars(data) | {"net_buying": NetBuying.validate(frame)}))
    schedule = TradingCalendar().schedule(SESSIONS[0], SESSIONS[69], Slot.parse(slot))
    panel = panel_of(data, last=69, first=69)
    last = panel.rows["pos"] == 69
    found = for_rows(panel.rows, last, data, panel.tickers, schedule).row(0, named=True)
    assert found["q"] == q
    assert found["net5"] == net5
    assert found["streak"] == 5
    assert found["foreign_share"] == pytest.approx(5 / 50_000_000)


def test_blocking_news_sets_the_part_to_zero_and_fails_its_gate() -> None:
    data = market([bar(at) for at in range(70)])
    seen = evening(67)
    news = [
        {"id": str(i), "ticker": "000010", "seen_at": seen, "verdict": verdict, "title": "t"}
        | {"url": None, "source": "made up"}
        for i, verdict in enumerate(["positive", "positive", "negative", "blocking"])
    ]
    schedule = TradingCalendar().schedule(SESSIONS[0], SESSIONS[69], Slot.CLOSE)
    frames = {
        count: News.validate(pl.DataFrame(news[:count], schema=News.create_empty().schema))
        for count in (0, 3, 4)
    }
    found = {}
    for count, frame in frames.items():
        told = MarketData(**(vars(data) | {"news": frame}))
        scores = scan(told, schedule, SESSIONS[69], Rules()).results["closing_bet"].scores
        found[count] = scores.select("news", "gate_no_blocking_news").row(0)
    assert found == {0: (0.0, True), 3: (1.0, True), 4: (0.0, False)}
    scores = scan(data, schedule, SESSIONS[69], Rules()).results["closing_bet"].scores
    assert scores.select("news", "gate_no_blocking_news").row(0) == (None, None)


@pytest.mark.parametrize(("asked", "part"), [({"000010"}, (0.0, True)), (set(), (None, None))])
def test_news_asked_for_by_name_is_known_of_those_stocks_alone(
    asked: set[str], part: tuple[float | None, bool | None]
) -> None:
    data = market([bar(at) for at in range(70)])
    told = replace(data, news=News.create_empty(), news_of=frozenset(asked))
    schedule = TradingCalendar().schedule(SESSIONS[0], SESSIONS[69], Slot.CLOSE)
    rules = Rules.from_mapping({"closing_bet": {"min_out_of": 1, "min_grade": "C"}})
    result = scan(told, schedule, SESSIONS[69], rules).results["closing_bet"]
    assert result.scores.select("news", "gate_no_blocking_news").row(0) == part
    assert result.scores["grade"].null_count() == 0, "a missing part leaves no gate unknown"
    reasons = result.signals["reasons"][0].to_list()
    assert ("news missing: its news wasn't asked for" in reasons) is (not asked)


def test_a_scanner_that_does_not_exist_is_refused() -> None:
    data = market([bar(0)])
    schedule = TradingCalendar().schedule(SESSIONS[0], SESSIONS[0], Slot.CLOSE)
    with pytest.raises(ValueError, match="no such scanner: wyckoff"):
        scan(data, schedule, SESSIONS[0], Rules(), scanners=["vcp", "wyckoff"])


def test_an_empty_market_scans_to_nothing() -> None:
    data = market([bar(0)])
    data = MarketData(**(vars(data) | {"bars": DailyBars.create_empty()}))
    schedule = TradingCalendar().schedule(SESSIONS[0], SESSIONS[1], Slot.CLOSE)
    found = scan(data, schedule, SESSIONS[1], Rules())
    assert found.results["vcp"].counts["scanned"].to_list() == [0]
    assert found.results["vcp"].signals.is_empty()
    assert found.results["vcp"].left_out["reason"].to_list() == ["no_data"]
