"""One strategy over ten years of the whole market: seconds, trades a second, peak memory.

`python bench/backtest.py [YEARS] [SCANNER]` (default 10 vcp), the sample market of 2,700 stocks.
Beside it, in the same run and for the same signals: a plain event loop that goes bar by bar
(tests/support/reference/account.py), and vectorbt making the very same trades, in an environment
of its own (requirements-bench.txt, installed on first use beside this one's packages). Both the
account and the event loop are timed from the frames on and, apart, once their rows are prepared.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "bench")]

from reference.account import Market, plain_account  # noqa: E402

from backtest.candidates import PIVOT  # noqa: E402
from backtest.plan import CAPITAL, Plan, plan_of  # noqa: E402
from backtest.run import Scanned, Traded, follow_all, prepared, scan_all, trade  # noqa: E402
from market.adjustment import with_scale  # noqa: E402
from market.asof import Slot  # noqa: E402
from market.calendar import TradingCalendar  # noqa: E402
from outcomes.rows import markets_of  # noqa: E402
from outcomes.rules import TradeRules  # noqa: E402
from scanners import LOOKBACK, Rules  # noqa: E402
from sources.sample import generate  # noqa: E402

LAST = date(2026, 5, 15)
STOCKS = int(os.environ.get("BENCH_STOCKS", "2700"))
OTHER = Path(sys.prefix) / "bench"


def main(years: int, scanner: str) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}"
    print(f"machine: {machine}, load {os.getloadavg()[0]:.1f}")
    calendar = TradingCalendar()
    days = calendar.sessions(date(LAST.year - years - 2, 1, 1), LAST)[-(years * 246 + LOOKBACK) :]
    data = generate(
        last=LAST, sessions=len(days), stocks=STOCKS, calendar=calendar, origin=days[0]
    ).data
    print(f"{years} years, {len(data.bars):,} bars, {len(data.net_buying):,} rows of net buying")
    held = peak()
    own = {"outcomes.daytrading.watch_entry": "next_open"} if scanner == "daytrading" else {}
    plan = plan_of(scanner, days[LOOKBACK], LAST, rules=Rules(), trades=TradeRules(), changes=own)
    schedule = calendar.schedule(days[0], LAST, Slot.CLOSE)

    start = time.perf_counter()
    scanned = scan_all(data, schedule, plan)
    scan_seconds = time.perf_counter() - start
    start = time.perf_counter()
    scanned = prepared(data, scanned.sessions, scanned.signals, scanned.gate, plan)
    prepare_seconds = time.perf_counter() - start
    start = time.perf_counter()
    ready = follow_all(scanned, plan)
    follow_seconds = time.perf_counter() - start
    start = time.perf_counter()
    done = trade(ready, plan.first, plan.last)
    trade_seconds = time.perf_counter() - start
    trades = done.outcome.trades
    whole = scan_seconds + follow_seconds + trade_seconds
    after = follow_seconds + trade_seconds
    print(
        f"closebell, {scanner}: {whole:.1f} s from bars to equity (scan {scan_seconds:.1f}, of "
        f"it rows prepared in {prepare_seconds:.1f}, follow "
        f"{follow_seconds:.2f}, trade {trade_seconds:.2f}); {len(scanned.signals):,} signals, "
        f"{done.filled:,} filled, {len(trades):,} trades; after the scan "
        f"{done.filled / after:,.0f} filled orders/s and {len(trades) / after:,.0f} trades/s; "
        f"peak {peak():.1f} GB of which the market itself {held:.1f} GB",
        flush=True,
    )
    event_loop(scanned, plan, done, after, prepare_seconds)
    vectorbt(scanned, done, trade_seconds)


def event_loop(
    scanned: Scanned, plan: Plan, done: Traded, seconds: float, preparing: float
) -> None:
    """The same signals followed and traded bar by bar."""
    start = time.perf_counter()
    signals = scanned.signals.with_columns(
        grade=pl.col("grade").cast(pl.String),
        pivot=pl.coalesce(
            pl.col("parts").str.json_path_match(PIVOT).cast(pl.Float64, strict=False), "entry"
        ),
    ).drop("parts", "reasons", "flags")
    tickers = signals["ticker"].unique().implode()
    names = ("session", "ticker", "open", "high", "low", "close", "volume", "base", "adjusted")
    bars = scanned.data.bars.filter(pl.col("ticker").is_in(tickers)).select(names).to_dicts()
    stored = set(scanned.data.bars["session"].unique())
    markets = dict(markets_of(scanned.data.instruments).iter_rows())
    market = Market(bars, scanned.sessions, stored, markets)
    gates = dict(scanned.gate.select("session", "status").iter_rows())
    dicts = time.perf_counter() - start
    start = time.perf_counter()
    plain = plain_account(signals.to_dicts(), gates, market, plan)
    loop = time.perf_counter() - start
    same = list(plain.equity.values()) == done.outcome.equity["equity"].to_list()
    equity = "the same" if same else "ANOTHER"
    print(
        f"plain event loop: {dicts:.1f} s to put bars into dicts, then {loop:.2f} s, "
        f"{len(plain.trades) / loop:,.0f} trades/s, {equity} equity; closebell "
        f"{loop / seconds:,.1f} times as fast once prepared, "
        f"{(dicts + loop) / (preparing + seconds):,.1f} from the frames",
        flush=True,
    )


def vectorbt(scanned: Scanned, done: Traded, seconds: float) -> None:
    """The very same purchases and sales as an order matrix, two rows a session."""
    python = environment()
    if python is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        orders(scanned, done, Path(folder))
        command = [str(python), str(ROOT / "bench" / "support" / "with_vectorbt.py"), folder]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            print(f"vectorbt failed: {result.stderr.strip().splitlines()[-1]}")
            return
        told: dict[str, Any] = json.loads(result.stdout)
    own = done.outcome.equity["equity"][-1]
    print(
        f"vectorbt {told['version']}, the same trades given as orders: {told['first']:.2f} s the "
        f"first time (it compiles), {told['best']:.2f} s the best of three, peak "
        f"{told['peak']:.1f} GB, ends with {told['equity']:,.0f} won (closebell {own:,}); "
        f"closebell chooses, sizes and trades in {seconds:.2f} s: {told['best'] / seconds:.1f} "
        "times as fast"
    )


def environment() -> Path | None:
    """The interpreter of the other environment, made on first use; None, said aloud, without it."""
    python = OTHER / "bin" / "python"
    if not python.exists():
        venv.create(OTHER, with_pip=True)
    command = [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r"]
    done = subprocess.run(
        [*command, str(ROOT / "requirements-bench.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"no comparison with vectorbt, it can't be installed: {done.stderr.strip()[-300:]}")
        return None
    return python


def orders(scanned: Scanned, done: Traded, folder: Path) -> None:
    """Prices, sizes and fees on the scale of the last session: (2 x sessions, stocks)."""
    trades = done.outcome.trades
    tickers = trades["ticker"].unique().sort().to_list()
    code = {ticker: at for at, ticker in enumerate(tickers)}
    place = {session: at for at, session in enumerate(done.sessions)}
    bars = with_scale(
        scanned.data.bars.filter(pl.col("ticker").is_in(tickers)), scanned.sessions
    ).filter(pl.col("session").is_in(done.sessions))
    shape = (2 * len(done.sessions), len(tickers))
    close = np.full(shape, np.nan)
    scale = np.full((len(done.sessions), len(tickers)), np.nan)
    at = bars["session"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    which = bars["ticker"].replace_strict(code, return_dtype=pl.Int64).to_numpy()
    adjusted = (bars["close"] * bars["scale"]).to_numpy()
    close[2 * at, which] = close[2 * at + 1, which] = adjusted
    scale[at, which] = bars["scale"].to_numpy()
    for carried in (close, scale):  # a stock that left is sold in a session without a bar
        for row in range(1, len(carried)):
            carried[row] = np.where(np.isnan(carried[row]), carried[row - 1], carried[row])
    size, price, fees = np.zeros(shape), close.copy(), np.zeros(shape)
    for one in trades.iter_rows(named=True):
        stock = code[one["ticker"]]
        bought = 2 * place[one["bought_session"]]
        begin = scale[place[one["bought_session"]], stock]
        shares = one["bought_shares"] / begin
        size[bought, stock] = shares
        price[bought, stock] = one["bought_price"] * begin
        spent = one["bought_price"] * one["bought_shares"]
        if one["sold_session"] is None:
            fees[bought, stock] = one["costs"] / spent
            continue
        sold = 2 * place[one["sold_session"]] + 1
        end = scale[place[one["sold_session"]], stock]
        size[sold, stock] = -shares
        price[sold, stock] = one["sold_price"] * end
        won = one["sold_price"] * one["sold_shares"]
        fees[bought, stock] = fees[sold, stock] = one["costs"] / (spent + won)
    for name, matrix in (("close", close), ("size", size), ("price", price), ("fees", fees)):
        np.save(folder / f"{name}.npy", matrix)
    (folder / "capital.json").write_text(json.dumps(CAPITAL))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["10"])[0]), (sys.argv[2:] or ["vcp"])[0])
